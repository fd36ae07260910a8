//! All sums of one pass over the events.
//!
//! Invariant: memory grows with the number of days, rules and groups, not with that of events; and with 8 bytes for
//! each file that a session edited.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::civil::Date;

use super::run::{Run, is_corrected};
use super::tally::Tally;
use crate::call::looking::By;
use crate::json::compose::string;
use crate::json::value::Value;
use crate::log::fields::Fields;
use crate::text::event_line::shown;
use crate::text::safe::safe_bytes;
use crate::text::times::{DAY_MS, Zone, is_plausible};

/// A rule's violations.
#[derive(Default, Clone)]
pub(crate) struct RuleTally {
    /// The rule, as WTF-8.
    pub(crate) id: Vec<u8>,
    pub(crate) frequency: f64,
    pub(crate) corrected: f64,
    pub(crate) rework: f64,
    pub(crate) days: BTreeMap<Date, u32>,
    /// Over the events that broke it.
    pub(crate) tally: Tally,
}

impl RuleTally {
    /// Rework lines for each violation.
    pub(crate) fn cost(&self) -> f64 {
        self.rework / self.frequency
    }

    /// What the rule costs in all.
    pub(crate) fn score(&self) -> f64 {
        self.frequency * self.cost()
    }
}

/// Groups by the value of a property, in the order of their first event.
#[derive(Default, Clone)]
pub(crate) struct Groups {
    /// By the value's JSON text, so that a name is decoded once for each group, not for each event.
    places: HashMap<Vec<u8>, usize>,
    list: Vec<(String, Tally)>,
}

impl Groups {
    fn add(&mut self, value: Option<Value<'_>>, run: &Run, again: bool, dated: bool) {
        let text = value.map_or(b"".as_slice(), |value| value.0);
        // A string may be written in several ways, with escapes.
        let plain = if text.contains(&b'\\') {
            value.and_then(Value::string).map(|text| string(&text))
        } else {
            None
        };
        let key = plain.as_deref().unwrap_or(text);
        let place = if let Some(place) = self.places.get(key) {
            *place
        } else {
            self.list.push((shown(value), Tally::default()));
            self.places.insert(key.to_vec(), self.list.len() - 1);
            self.list.len() - 1
        };
        if let Some((_, tally)) = self.list.get_mut(place) {
            tally.add(run, again, dated);
        }
    }

    /// All groups.
    pub(crate) fn list(&self) -> &[(String, Tally)] {
        &self.list
    }
}

/// See the head of this file.
pub(crate) struct Tallies {
    zone: Zone,
    now: f64,
    pub(crate) total: Tally,
    pub(crate) days: BTreeMap<Date, Tally>,
    pub(crate) guidance: Groups,
    pub(crate) sessions: Groups,
    pub(crate) agents: Groups,
    pub(crate) tools: Groups,
    pub(crate) intents: Groups,
    rules: Vec<RuleTally>,
    rule_places: HashMap<Vec<u8>, usize>,
    /// Events of irregular shape, which are left out.
    pub(crate) irregular: u64,
    /// Events without a time.
    pub(crate) undated: u64,
    /// Events whose time cannot be.
    pub(crate) implausible: u64,
    edited: HashSet<u64>,
    /// The day of the last event: its start, the start of the next, and which it is.
    last_day: Option<(f64, f64, Date)>,
}

impl Tallies {
    pub(crate) fn new(zone: &Zone, now: f64) -> Self {
        Self {
            zone: zone.clone(),
            now,
            total: Tally::default(),
            days: BTreeMap::new(),
            guidance: Groups::default(),
            sessions: Groups::default(),
            agents: Groups::default(),
            tools: Groups::default(),
            intents: Groups::default(),
            rules: Vec::new(),
            rule_places: HashMap::new(),
            irregular: 0,
            undated: 0,
            implausible: 0,
            edited: HashSet::new(),
            last_day: None,
        }
    }

    /// Adds an event of any shape.
    pub(crate) fn add(&mut self, event: &Fields<'_>) {
        let Some(run) = Run::of(event) else {
            self.irregular += 1;
            return;
        };
        let day = self.day_of(run.time);
        if day.is_none() {
            let known = run.time.is_finite() && event.timestamp.is_some_and(|time| time.number().is_some());
            *(if known { &mut self.implausible } else { &mut self.undated }) += 1;
        }
        let again = run.edit.is_some_and(|edit| !self.edited.insert(edit));
        let dated = day.is_some();
        self.total.add(&run, again, dated);
        if let Some(day) = day {
            self.days.entry(day).or_default().add(&run, again, dated);
        }
        self.intents.add(event.intent, &run, again, dated);
        self.guidance.add(event.guidance, &run, again, dated);
        if event.session.is_some() {
            self.sessions.add(event.session, &run, again, dated);
        }
        if let Some(agent) = event.agent_type.or(event.agent) {
            self.agents.add(Some(agent), &run, again, dated);
        }
        let mut tools: Vec<_> = event.tools.into_iter().flat_map(Value::elements).collect();
        tools.retain(|tool| tool.string().is_some());
        tools.sort_by_key(|tool| tool.0);
        tools.dedup();
        for tool in tools {
            self.tools.add(Some(tool), &run, again, dated);
        }
        self.add_rules(event, &run, day, again);
    }

    fn add_rules(&mut self, event: &Fields<'_>, run: &Run, day: Option<Date>, again: bool) {
        let mut seen: Vec<usize> = Vec::new();
        for violation in event.violations.into_iter().flat_map(Value::elements) {
            let id = match violation.get(b"ruleId") {
                Some(value) => value.string().map_or_else(|| value.0.to_vec(), std::borrow::Cow::into_owned),
                None => b"undefined".to_vec(),
            };
            let rules = &mut self.rules;
            let place = *self.rule_places.entry(id).or_insert_with_key(|id| {
                rules.push(RuleTally { id: id.clone(), ..RuleTally::default() });
                rules.len() - 1
            });
            let Some(rule) = self.rules.get_mut(place) else { continue };
            rule.frequency += 1.0;
            rule.rework += run.rework;
            rule.corrected += if is_corrected(violation) { 1.0 } else { 0.0 };
            if let Some(day) = day {
                *rule.days.entry(day).or_default() += 1;
            }
            if !seen.contains(&place) {
                seen.push(place);
                rule.tally.add(run, again, day.is_some());
            }
        }
    }

    /// The day of a plausible time.
    fn day_of(&mut self, time: f64) -> Option<Date> {
        if let Some((start, end, day)) = self.last_day
            && (start..end).contains(&time)
            && time <= self.now + DAY_MS
        {
            return Some(day);
        }
        if !is_plausible(time, self.now) {
            return None;
        }
        let day = self.zone.day(time)?;
        let end = self.zone.start_of(day.tomorrow().ok()?)?;
        self.last_day = Some((self.zone.start_of(day)?, end, day));
        Some(day)
    }

    /// The rules, the highest score first; those of equal score by first occurrence.
    pub(crate) fn ranking(&self) -> Vec<&RuleTally> {
        let mut ranking: Vec<_> = self.rules.iter().collect();
        ranking.sort_by(|a, b| b.score().total_cmp(&a.score()));
        ranking
    }

    /// The groups of a kind, each with its name fit to be shown: days and rules in their order, others by their events.
    pub(crate) fn groups(&self, by: By) -> Vec<(String, Tally)> {
        let mut groups = match by {
            By::Day => return self.days.iter().map(|(day, tally)| (day.to_string(), *tally)).collect(),
            By::Rule => {
                let named = |rule: &RuleTally| (safe_bytes(&rule.id).into_owned(), rule.tally);
                return self.ranking().into_iter().map(named).collect();
            }
            By::Guidance => {
                let mut groups = self.guidance.list().to_vec();
                groups.sort_by(|a, b| a.1.from.total_cmp(&b.1.from));
                return groups;
            }
            By::Session => self.sessions.list().to_vec(),
            By::Agent => self.agents.list().to_vec(),
            By::Tool => self.tools.list().to_vec(),
            By::Intent => self.intents.list().to_vec(),
        };
        groups.sort_by(|a, b| b.1.events.total_cmp(&a.1.events));
        groups
    }

    /// First and last day that have events.
    pub(crate) fn span(&self) -> Option<(Date, Date)> {
        Some((*self.days.first_key_value()?.0, *self.days.last_key_value()?.0))
    }

    /// The span as at most `most` stretches of equally many days: how many days, and each with its first day.
    pub(crate) fn stretches(&self, most: usize) -> (i32, Vec<(Date, Tally)>) {
        let Some((first, last)) = self.span() else { return (1, Vec::new()) };
        let count = days_between(first, last) + 1;
        let most = i32::try_from(most.max(1)).unwrap_or(i32::MAX);
        let step = (count + most - 1) / most;
        let mut stretches = Vec::new();
        let mut day = first;
        while day <= last {
            let next = plus_days(day, step);
            let mut tally = Tally::default();
            for (_, more) in self.days.range(day..next) {
                tally.merge(more);
            }
            stretches.push((day, tally));
            if next <= day {
                break;
            }
            day = next;
        }
        (step, stretches)
    }
}

/// Whole days from one day to another.
pub(crate) fn days_between(from: Date, to: Date) -> i32 {
    from.until(to).map_or(0, |span| span.get_days())
}

/// A day so many days later; the last one that there is, if that is too late.
pub(crate) fn plus_days(day: Date, days: i32) -> Date {
    day.saturating_add(jiff::Span::new().days(days))
}

#[cfg(test)]
mod tests {
    use super::Tallies;
    use crate::call::looking::By;
    use crate::log::fields::Fields;
    use crate::text::times::{DAY_MS, Zone};

    const NOW: f64 = 1_773_581_400_000.0;

    fn tallied(events: &[String]) -> Tallies {
        let mut tallies = Tallies::new(&Zone::new(true), NOW);
        for event in events {
            tallies.add(&Fields::of(event.as_bytes()));
        }
        tallies
    }

    fn event(more: &str) -> String {
        format!("{{\"violations\":[],\"reworkLines\":1,{more}}}")
    }

    #[test]
    fn times_that_cannot_be_are_counted_and_on_no_day() {
        let times = [NOW, NOW / 1000.0, NOW + 3.0 * DAY_MS, 8.64e15];
        let mut events: Vec<_> = times.iter().map(|time| event(&format!("\"timestamp\":{time}"))).collect();
        events.push(event("\"timestamp\":\"soon\""));
        events.push(event("\"timestamp\":1e999"));
        events.push("{}".to_owned());
        let found = tallied(&events);
        assert_eq!((found.days.len(), found.implausible, found.undated, found.irregular), (1, 3, 2, 1));
        assert_eq!(found.total.events.to_string(), "6");
    }

    #[test]
    fn hook_events_tell_failures_and_files_edited_again() {
        let call = |session: &str, file: &str, failed: bool| {
            event(&format!(
                "\"timestamp\":{NOW},\"hookEvent\":\"PostToolUse\",\"toolFailed\":{failed},\"sessionId\":\"{session}\",\
                 \"filesTouched\":[\"{file}\"],\"toolsUsed\":[\"Edit\"],\"diffSummary\":{{\"linesAdded\":2,\"linesRemoved\":1}}"
            ))
        };
        let found = tallied(&[
            call("a", "f", false),
            call("a", "f", false),
            call("b", "f", false),
            call("a", "f", true),
        ]);
        let total = found.total;
        assert_eq!(
            [total.calls, total.failures, total.edits, total.edits_again, total.lines].map(|n| n.to_string()),
            ["4", "1", "3", "1", "12"]
        );
        assert_eq!(found.groups(By::Tool).first().map(|(name, _)| name.as_str()), Some("Edit"));
    }

    #[test]
    fn stretches_cover_the_span() {
        let days = [0.0, 100.0].map(|day| event(&format!("\"timestamp\":{}", NOW - day * DAY_MS)));
        let (step, list) = tallied(&days).stretches(40);
        assert_eq!((step, list.len()), (3, 34));
        let events: f64 = list.iter().map(|(_, tally)| tally.events).sum();
        assert_eq!(events.to_string(), "2");
    }
}
