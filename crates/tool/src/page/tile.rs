//! One rate in all, with its interval, and how the last whole week compares with the one before.

use maud::{Markup, html};

use crate::metrics::measure::{Measure, Verdict};
use crate::metrics::tally::Tally;
use crate::metrics::weeks::Weeks;

/// The tile of a rate.
pub(crate) fn tile(measure: &Measure, total: &Tally, weeks: Option<&Weeks>) -> Markup {
    let value = measure.value(total);
    html! {
        div class="card tile" {
            h3 { (measure.label) }
            p class="value" { (unbroken(&measure.show(value))) }
            @if value.is_none() {
                p class="note" { "Nothing to count yet." }
            } @else if measure.interval(total).is_some() {
                p class="note" { "true rate: " (unbroken(&measure.show_interval(measure.interval(total)))) }
            }
            @if let Some(weeks) = weeks { (week(measure, weeks)) }
        }
    }
}

/// A number whose unit stays beside it.
pub(crate) fn unbroken(text: &str) -> String {
    text.replace(" %", "\u{A0}%")
}

fn week(measure: &Measure, weeks: &Weeks) -> Markup {
    let (before, last) = (measure.value(&weeks.before), measure.value(&weeks.last));
    let verdict = measure.verdict(&weeks.before, &weeks.last);
    let Some((before, last)) = before.zip(last) else {
        return html! { p class="note" { "No comparison of weeks: one has nothing to count." } };
    };
    let (class, shape) = match verdict {
        Verdict::Better => ("better", "▲"),
        Verdict::Worse => ("worse", "▼"),
        Verdict::Changed => ("noise", "◆"),
        Verdict::Noise | Verdict::TooFew => ("noise", "≈"),
    };
    html! {
        p class="week" {
            span class=(class) { span aria-hidden="true" { (shape) " " } (verdict.words()) }
            br;
            "week " (unbroken(&measure.show(Some(last)))) ", before " (unbroken(&measure.show(Some(before))))
        }
    }
}
