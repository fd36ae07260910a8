//! Identities for events.

use napi_derive::napi;

/// Random UUIDs (version 4, RFC 9562) as text.
#[napi(catch_unwind)]
#[must_use]
#[expect(dead_code, unreachable_pub, reason = "Node calls it")]
pub fn random_uuids(count: u32) -> Vec<String> {
    (0..count).map(|_| uuid::Uuid::new_v4().to_string()).collect()
}
