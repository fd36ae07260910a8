//! From a hook's input to an event: which hooks are recorded, and what of them.
//!
//! Invariant: names, paths, counts and verdicts are recorded, and nothing else. Contents are looked at to count lines,
//! and forgotten.

use std::path::Path;

use super::guidance::guidance_hash;
use super::input::HookInput;
use crate::commands::record::{blank_event, diff, list};
use crate::exit::{Failure, Result};
use crate::json::compose::Object;
use crate::json::value::Value;

/// Hooks that are recorded; the first two stand for a tool call.
const TOOL_HOOKS: [&str; 2] = ["PostToolUse", "PostToolUseFailure"];
const STOP_HOOKS: [&str; 2] = ["Stop", "SubagentStop"];

/// The event of a hook; `None` if this hook is not recorded.
pub(crate) fn event(input: &HookInput<'_>, root: &Path) -> Result<Option<Object>> {
    let name = input.event.as_str();
    let is_call = TOOL_HOOKS.contains(&name);
    if !is_call && !STOP_HOOKS.contains(&name) {
        return Ok(None);
    }
    let Some(task) = input.prompt.as_ref().or(input.session.as_ref()) else {
        return Err(Failure::System(format!("a {name} hook without session_id")));
    };
    let mut event = blank_event(task);
    event.string("guidanceHash", &guidance_hash(root));
    if is_call {
        let failed = name == "PostToolUseFailure" || input.response.is_some_and(says_failed);
        let file = input.file.as_deref().map(|file| below(root, file));
        let (added, removed) = if failed { (0, 0) } else { changed_lines(input) };
        let changed = u64::from(added + removed > 0);
        event
            .raw("toolsUsed", list(input.tool.as_slice()))
            .raw("filesTouched", list(file.as_slice()))
            .object("diffSummary", &diff(added, removed, changed));
        event.raw("toolFailed", if failed { "true" } else { "false" });
    }
    if let Some(duration) = input.duration.filter(|duration| duration.is_finite() && *duration >= 0.0) {
        event.number("durationMs", duration);
    }
    event.string("hookEvent", name);
    for (field, value) in
        [("sessionId", &input.session), ("agentId", &input.agent), ("agentType", &input.agent_type)]
    {
        if let Some(value) = value {
            event.string(field, value);
        }
    }
    Ok(Some(event))
}

/// Whether a tool's response says that it failed.
fn says_failed(response: Value<'_>) -> bool {
    let says = |name: &[u8]| response.get(name).and_then(Value::boolean);
    says(b"success") == Some(false)
        || says(b"is_error") == Some(true)
        || says(b"isError") == Some(true)
        || says(b"interrupted") == Some(true)
}

/// Lines added and removed, as far as the response tells.
fn changed_lines(input: &HookInput<'_>) -> (u64, u64) {
    let Some(response) = input.response else { return (0, 0) };
    let (mut added, mut removed) = (0, 0);
    for hunk in response.get(b"structuredPatch").into_iter().flat_map(Value::elements) {
        for line in hunk.get(b"lines").into_iter().flat_map(Value::elements) {
            match line.0 {
                [b'"', b'+', ..] => added += 1,
                [b'"', b'-', ..] => removed += 1,
                _ => {}
            }
        }
    }
    let created = response.get(b"type").is_some_and(|kind| kind.is_string(b"create"));
    if let Some(content) = input.content.as_ref().filter(|_| created && added + removed == 0) {
        let ends = memchr::memchr_iter(b'\n', content).count();
        let open = usize::from(!content.is_empty() && content.last() != Some(&b'\n'));
        added = crate::text::numbers::long(ends + open);
    }
    (added, removed)
}

/// A path below the project's root, without the root: shorter, and the same on each machine.
fn below(root: &Path, file: &str) -> String {
    let path = Path::new(file);
    let inner = path.strip_prefix(root).ok().filter(|inner| !inner.as_os_str().is_empty());
    inner.unwrap_or(path).to_string_lossy().replace('\\', "/")
}
