//! Settings of Claude Code with a hook put in.
//!
//! The text is edited, not built anew: what stands there keeps its bytes and its order. A hook of another copy of this
//! executable is replaced in place, so that no call is recorded twice.
//!
//! Invariant: the result is the old text with insertions, or with one command replaced by another; putting the same
//! command in again changes nothing.

use crate::json::compose::{Object, array, string};
use crate::json::pretty::pretty;
use crate::json::value::{Value, parse};

/// The hooks, and whether they name tools.
const HOOKS: [(&str, bool); 4] =
    [("PostToolUse", true), ("PostToolUseFailure", true), ("Stop", false), ("SubagentStop", false)];

/// The settings with the hook; `None` if they are not what settings are.
pub(crate) fn with_hook(settings: &[u8], command: &str) -> Option<Vec<u8>> {
    let mut text = settings.to_vec();
    for (hook, names_tools) in HOOKS {
        text = with_one(&text, hook, names_tools, command)?;
    }
    Some(text)
}

fn with_one(text: &[u8], hook: &str, names_tools: bool, command: &str) -> Option<Vec<u8>> {
    let settings = parse(text).filter(|value| value.is_object())?;
    let entry = entry(names_tools, command);
    let Some(hooks) = settings.get(b"hooks") else {
        let mut hooks = Object::new();
        hooks.raw(hook, array([&entry]));
        return Some(append(text, settings, 0, Some("hooks"), &hooks.text()));
    };
    if !hooks.is_object() {
        return None;
    }
    let Some(list) = hooks.get(hook.as_bytes()) else {
        return Some(append(text, hooks, 1, Some(hook), &array([&entry])));
    };
    if !list.is_array() {
        return None;
    }
    for matcher in list.elements() {
        for found in matcher.get(b"hooks").into_iter().flat_map(Value::elements) {
            let Some(value) = found.get(b"command") else { continue };
            if value.is_string(command.as_bytes()) {
                return Some(text.to_vec());
            }
            if value.string().is_some_and(|command| is_ours(&command)) {
                return Some(replace(text, value, &string(command.as_bytes())));
            }
        }
    }
    Some(append(text, list, 2, None, &entry))
}

/// The text of one entry of a hook's list.
fn entry(names_tools: bool, command: &str) -> Vec<u8> {
    let mut hook = Object::new();
    hook.string("type", "command").string("command", command);
    let mut entry = Object::new();
    if names_tools {
        entry.string("matcher", "*");
    }
    entry.raw("hooks", array([hook.text()])).text()
}

/// Whether a command runs a copy of this executable as a hook.
fn is_ours(command: &[u8]) -> bool {
    let command = String::from_utf8_lossy(command);
    let Some((program, _)) = command.split_once(" hook") else { return false };
    let program = program.trim_matches(['"', '\'', ' ']);
    let name = program.rsplit(['/', '\\']).next().unwrap_or_default();
    name == "guidance-ledger" || name == "guidance-ledger.exe"
}

/// Where a value that was found in a text begins.
fn offset(text: &[u8], value: Value<'_>) -> usize {
    (value.0.as_ptr() as usize).saturating_sub(text.as_ptr() as usize)
}

fn replace(text: &[u8], value: Value<'_>, new: &[u8]) -> Vec<u8> {
    let start = offset(text, value);
    let (before, after) = text.split_at_checked(start).unwrap_or((text, &[]));
    [before, new, after.get(value.0.len()..).unwrap_or_default()].concat()
}

/// Puts an item at the end of an object or array that lies `depth` levels deep.
fn append(text: &[u8], container: Value<'_>, depth: usize, name: Option<&str>, item: &[u8]) -> Vec<u8> {
    let unit = indent_of(text);
    let inner = unit.repeat(depth + 1);
    let shown = String::from_utf8_lossy(&pretty(item)).lines().enumerate().fold(
        String::new(),
        |shown, (at, line)| {
            let steps = (line.len() - line.trim_start().len()) / 2;
            let margin = if at == 0 { String::new() } else { format!("\n{inner}{}", unit.repeat(steps)) };
            shown + &margin + line.trim_start()
        },
    );
    let name = name.map(|name| String::from_utf8_lossy(&string(name.as_bytes())).into_owned() + ": ");
    let body = container.0.get(1..container.0.len() - 1).unwrap_or_default();
    let kept = body.trim_ascii_end();
    let comma = if kept.trim_ascii().is_empty() { "" } else { "," };
    let open = container.0.get(..=kept.len()).unwrap_or_default();
    let close = container.0.last().copied().into_iter().collect::<Vec<u8>>();
    let new = [
        open,
        format!("{comma}\n{inner}{}{shown}\n{}", name.unwrap_or_default(), unit.repeat(depth)).as_bytes(),
        &close,
    ]
    .concat();
    replace(text, container, &new)
}

/// One step of the text's margin.
fn indent_of(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let margin =
        text.lines().skip(1).map(|line| line.len() - line.trim_start().len()).find(|margin| *margin > 0);
    let tab = text.lines().skip(1).any(|line| line.starts_with('\t'));
    if tab { "\t".to_owned() } else { " ".repeat(margin.unwrap_or(2).min(8)) }
}

#[cfg(test)]
mod tests {
    use super::with_hook;

    fn put(settings: &str) -> String {
        with_hook(settings.as_bytes(), "/opt/guidance-ledger hook")
            .map(|text| String::from_utf8_lossy(&text).into_owned())
            .unwrap_or_default()
    }

    #[test]
    fn an_empty_file_gets_all_hooks_and_twice_changes_nothing() {
        let once = put("{}");
        for hook in ["PostToolUse", "PostToolUseFailure", "Stop", "SubagentStop"] {
            assert_eq!(once.matches(&format!("\"{hook}\": [")).count(), 1, "{once}");
        }
        assert_eq!(put(&once), once);
        assert!(once.starts_with("{\n  \"hooks\": {\n    \"PostToolUse\": [\n      {\n"), "{once}");
    }

    #[test]
    fn what_is_there_keeps_its_bytes_and_its_order() {
        let old = "{\n\t\"z\": 1e999,\n\t\"hooks\": { \"Stop\" : [ {\"hooks\":[{\"type\":\"command\",\"command\":\"say done\"}]} ] },\n\t\"a\": \"\\u0041\"\n}";
        let new = put(old);
        let mut rest = new.as_str();
        for part in [
            "{\n\t\"z\": 1e999,\n\t\"hooks\": { \"Stop\" : [ {\"hooks\":[{\"type\":\"command\",\"command\":\"say done\"}]}",
            "\n\t\"a\": \"\\u0041\"\n}",
        ] {
            let at = rest.find(part);
            assert!(at.is_some(), "{part} in {new}");
            rest = at.and_then(|at| rest.get(at + part.len()..)).unwrap_or_default();
        }
        assert!(crate::json::value::parse(new.as_bytes()).is_some(), "{new}");
        assert_eq!(put(&new), new);
    }

    #[test]
    fn an_older_path_is_replaced_and_other_commands_are_not() {
        let old = put("{}").replace("/opt/guidance-ledger", "'/old place/guidance-ledger'");
        assert_eq!(put(&old), put("{}"));
        let other = "{\"hooks\":{\"Stop\":[{\"hooks\":[{\"command\":\"my-guidance-ledger hook\"}]}]}}";
        assert!(put(other).contains("my-guidance-ledger hook"));
    }

    #[test]
    fn what_are_not_settings_are_refused() {
        for text in ["[]", "{", "{\"hooks\":[]}", "{\"hooks\":{\"Stop\":{}}}", "// x\n{}"] {
            assert_eq!(put(text), "", "{text}");
        }
    }
}
