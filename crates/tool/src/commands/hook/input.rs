//! What Claude Code gives its hooks, as far as it is looked at.
//!
//! Unknown fields are ignored, and fields of another type count as missing: a later version of the agent must not stop
//! the recording.

use std::borrow::Cow;
use std::path::PathBuf;

use event::line::{Line, Scanner};

use crate::json::value::Value;

/// The fields that are looked at.
pub(crate) struct HookInput<'a> {
    pub(crate) event: String,
    pub(crate) session: Option<String>,
    pub(crate) prompt: Option<String>,
    pub(crate) tool: Option<String>,
    pub(crate) file: Option<String>,
    pub(crate) content: Option<Cow<'a, [u8]>>,
    pub(crate) response: Option<Value<'a>>,
    pub(crate) duration: Option<f64>,
    pub(crate) cwd: Option<PathBuf>,
    pub(crate) agent: Option<String>,
    pub(crate) agent_type: Option<String>,
}

impl<'a> HookInput<'a> {
    /// Reads stdin's text; `None` if it is not a JSON object.
    pub(crate) fn read(text: &'a [u8]) -> Option<Self> {
        let text = event::text::trim(text);
        if !matches!(Scanner::new().scan(text), Line::Event(_)) {
            return None;
        }
        let input = Value(text);
        let text = |value: Option<Value<'a>>| {
            value.and_then(Value::string).map(|text| String::from_utf8_lossy(&text).into_owned())
        };
        let tool_input = input.get(b"tool_input");
        let of_tool = |name: &[u8]| tool_input.and_then(|input| input.get(name));
        Some(Self {
            event: text(input.get(b"hook_event_name")).unwrap_or_default(),
            session: text(input.get(b"session_id")),
            prompt: text(input.get(b"prompt_id")),
            tool: text(input.get(b"tool_name")),
            file: text(of_tool(b"file_path")).or_else(|| text(of_tool(b"notebook_path"))),
            content: of_tool(b"content").and_then(Value::string),
            response: input.get(b"tool_response"),
            duration: input.get(b"duration_ms").and_then(Value::number),
            cwd: text(input.get(b"cwd")).filter(|cwd| !cwd.is_empty()).map(PathBuf::from),
            agent: text(input.get(b"agent_id")),
            agent_type: text(input.get(b"agent_type")),
        })
    }
}
