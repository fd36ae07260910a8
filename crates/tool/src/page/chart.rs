//! Charts over time, as SVG.
//!
//! Labels are text of the page beside the drawing, so that they are as large as other text at any width and are never
//! cut; the drawing itself is stretched. Each stretch of days has an area of its own that carries its values in words.

use jiff::civil::Date;
use maud::{Markup, html};

use super::axis::{Axis, Unit};
use crate::call::looking::By;
use crate::metrics::measure::Measure;
use crate::metrics::tallies::{Tallies, days_between, plus_days};
use crate::metrics::tally::Tally;
use crate::text::numbers::{count, float, long, whole};
use crate::text::times::Zone;

/// Stretches that a mean covers, and the fewest that a mean is drawn for.
const MEAN_OF: usize = 7;
const FEWEST: usize = 14;
/// Marks that are named; a chart full of names names nothing.
const NAMED: usize = 12;

/// A change of guidance: where it stands between 0 and 100, and its name.
pub(crate) struct Mark {
    at: f64,
    name: String,
}

/// What all charts share.
pub(crate) struct Chart<'a> {
    pub(crate) stretches: &'a [(Date, Tally)],
    pub(crate) step: i32,
    /// The day that is not over.
    pub(crate) today: Option<Date>,
    pub(crate) marks: &'a [Mark],
}

/// Where the guidance changed: each hash from the second on, at the first of its days.
pub(crate) fn guidance_marks(
    tallies: &Tallies,
    zone: &Zone,
    stretches: &[(Date, Tally)],
    step: i32,
) -> Vec<Mark> {
    // Where there is one stretch, there is no before and after.
    let [(first, _), _, ..] = stretches else { return Vec::new() };
    let width = 100.0 / float(long(stretches.len()));
    let groups = tallies.groups(By::Guidance);
    let mut marks = Vec::new();
    for (number, (_, tally)) in (1..).zip(&groups) {
        let day = tally.span().0.and_then(|time| zone.day(time));
        if let Some(day) = day.filter(|_| number > 1) {
            let stretch = f64::from(days_between(*first, day) / step.max(1));
            marks.push(Mark { at: stretch * width, name: format!("G{number}") });
        }
    }
    marks
}

impl Chart<'_> {
    /// How many events there were.
    pub(crate) fn events(&self) -> Markup {
        let title = if self.step == 1 {
            "Events per day".to_owned()
        } else {
            format!("Events per {} days", self.step)
        };
        let largest = self.stretches.iter().map(|(_, tally)| tally.events).fold(0.0, f64::max);
        let axis = Axis::new(largest, Unit::Count);
        let bars = |shapes: &mut Vec<Markup>| {
            for (place, (_, tally)) in self.places() {
                let height = tally.events / axis.top * 100.0;
                // Few bars stay bars.
                let wide = (self.width() * 0.8).min(8.0);
                shapes.push(html! {
                    rect class="bar" x=(num(place + (self.width() - wide) / 2.0)) width=(num(wide))
                        y=(num(100.0 - height)) height=(num(height)) {}
                });
            }
        };
        let mut shapes = Vec::new();
        bars(&mut shapes);
        let tip = |tally: &Tally| format!("{} events", count(whole(tally.events)));
        self.figure(&title, "", &axis, &shapes, &tip)
    }

    /// A rate.
    pub(crate) fn rates(&self, measure: &Measure) -> Markup {
        let values: Vec<Option<f64>> = self.stretches.iter().map(|(_, tally)| measure.value(tally)).collect();
        if values.iter().all(Option::is_none) {
            return html! {
                figure class="card chart" {
                    figcaption { (measure.label) }
                    p class="empty" { "Nothing to count yet." }
                }
            };
        }
        let largest = values.iter().flatten().copied().fold(0.0, f64::max);
        let axis = Axis::new(largest, if measure.is_share { Unit::Share } else { Unit::Rate });
        let mut shapes = Vec::new();
        let height = |value: f64| 100.0 - value / axis.top * 100.0;
        let counted = values.iter().flatten().count();
        let mean = counted >= FEWEST;
        if mean {
            shapes.push(html! { path class="mean" d=(self.mean_path(measure, &height)) {} });
        }
        for ((place, _), value) in self.places().zip(&values) {
            if let Some(value) = value {
                let middle = place + self.width() / 2.0;
                shapes.push(
                    html! { path class="dot" d=(format!("M{} {}h0", num(middle), num(height(*value)))) {} },
                );
            }
        }
        let unit =
            if self.step == 1 { "days".to_owned() } else { format!("stretches of {} days", self.step) };
        let note = if mean { format!("line: mean of {MEAN_OF} {unit}") } else { String::new() };
        let tip = |tally: &Tally| match measure.value(tally) {
            None => "nothing to count".to_owned(),
            value => {
                let interval = measure
                    .interval(tally)
                    .map(|_| format!(" ({})", measure.show_interval(measure.interval(tally))));
                let events = count(whole(tally.events));
                format!("{}{}, {events} events", measure.show(value), interval.unwrap_or_default())
            }
        };
        self.figure(measure.label, &note, &axis, &shapes, &tip)
    }

    /// A line through the rates of the last stretches together, from where there are enough of them.
    fn mean_path(&self, measure: &Measure, height: &dyn Fn(f64) -> f64) -> String {
        let mut path = String::new();
        for ((place, _), window) in self.places().skip(MEAN_OF - 1).zip(self.stretches.windows(MEAN_OF)) {
            let mut sum = Tally::default();
            for (_, tally) in window {
                sum.merge(tally);
            }
            if let Some(value) = measure.value(&sum) {
                let start = if path.is_empty() { 'M' } else { 'L' };
                let x = num(place + self.width() / 2.0);
                path = format!("{path}{start}{x} {}", num(height(value)));
            }
        }
        path
    }

    fn width(&self) -> f64 {
        100.0 / float(long(self.stretches.len().max(1)))
    }

    fn places(&self) -> impl Iterator<Item = (f64, &(Date, Tally))> {
        let width = self.width();
        self.stretches.iter().enumerate().map(move |(number, stretch)| (float(long(number)) * width, stretch))
    }

    fn figure(
        &self,
        title: &str,
        note: &str,
        axis: &Axis,
        shapes: &[Markup],
        tip: &dyn Fn(&Tally) -> String,
    ) -> Markup {
        let lines = axis.labels.len().saturating_sub(1).max(1);
        html! {
            figure class="card chart" {
                figcaption { (title) @if !note.is_empty() { small { " · " (note) } } }
                div class="plot" {
                    div class="y" aria-hidden="true" { @for label in &axis.labels { span { (label) } } }
                    div class="area" {
                        svg class="shapes" viewBox="0 0 100 100" preserveAspectRatio="none" role="img" tabindex="0"
                            aria-label=(format!("{title}, from {} to {}. Arrow keys show values.", self.first(), self.last())) {
                            @for line in 0..=lines {
                                @let y = num(float(long(line)) / float(long(lines)) * 100.0);
                                path class="grid" d=(format!("M0 {y}H100")) {}
                            }
                            @for mark in self.marks { path class="mark" d=(format!("M{} 0V100", num(mark.at))) {} }
                            @for shape in shapes { (shape) }
                            @for (place, (day, tally)) in self.places() {
                                rect class="hit" x=(num(place)) width=(num(self.width())) y="0" height="100"
                                    data-tip=(format!("{}: {}", self.days_from(*day), tip(tally))) {}
                            }
                        }
                        (self.mark_names())
                        div class="x" aria-hidden="true" { @for label in self.day_labels() { span { (label) } } }
                    }
                }
            }
        }
    }

    fn mark_names(&self) -> Markup {
        let mut shown: Vec<&Mark> = Vec::new();
        if self.marks.len() <= NAMED {
            for mark in self.marks {
                // Names that would lie over each other are left out.
                if shown.last().is_none_or(|before| mark.at - before.at > 6.0) && mark.at < 97.0 {
                    shown.push(mark);
                }
            }
        }
        html! {
            @if !shown.is_empty() {
                svg class="names" aria-hidden="true" {
                    @for mark in shown { text x=(format!("{}%", num(mark.at))) y="11" { (mark.name) } }
                }
            }
        }
    }

    fn first(&self) -> String {
        self.stretches.first().map_or_else(String::new, |(day, _)| day.to_string())
    }

    fn last(&self) -> String {
        self.stretches.last().map_or_else(String::new, |(day, _)| plus_days(*day, self.step - 1).to_string())
    }

    /// At most three days, evenly apart as far as there are any between.
    fn day_labels(&self) -> Vec<String> {
        let (count, day) =
            (self.stretches.len(), |at: usize| self.stretches.get(at).map(|(day, _)| day.to_string()));
        match count {
            0 => Vec::new(),
            1 => day(0).into_iter().collect(),
            2..=4 => [day(0), day(count - 1)].into_iter().flatten().collect(),
            _ if count % 2 == 1 => [day(0), day(count / 2), day(count - 1)].into_iter().flatten().collect(),
            _ => [day(0), day(count - 1)].into_iter().flatten().collect(),
        }
    }

    fn days_from(&self, day: Date) -> String {
        let end = plus_days(day, self.step - 1);
        let open = self.today.is_some_and(|today| end >= today);
        let days = if self.step == 1 { day.to_string() } else { format!("{day} to {end}") };
        if open { format!("{days} (not over yet)") } else { days }
    }
}

/// A coordinate with two digits.
fn num(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
