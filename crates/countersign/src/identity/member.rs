use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};

/// Returns the member `name` of the JSON object `body`: a string, or an integer as text.
///
/// Returns `None` for other JSON, for other types, and for an empty string. Also returns `None` if
/// the member occurs twice: readers of the body could then see another value.
pub(crate) fn find(body: &[u8], name: &'static str) -> Option<String> {
    // JSON is UTF-8 (RFC 8259 §8.1). `from_slice` does not check the strings of ignored members.
    let text = std::str::from_utf8(body).ok()?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let found = deserializer.deserialize_map(Find(name)).ok()?;
    deserializer.end().ok()?;
    found.filter(|value| !value.is_empty())
}

struct Find(&'static str);

impl<'de> Visitor<'de> for Find {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(key) = map.next_key::<String>()? {
            if key != self.0 {
                map.next_value::<IgnoredAny>()?;
            } else if found.replace(map.next_value::<Value>()?.0).is_some() {
                return Err(A::Error::custom("the member occurs twice"));
            }
        }
        Ok(found)
    }
}

/// A string or an integer. An integer becomes its decimal text.
struct Value(String);

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or an integer")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
                Ok(Value(text.to_owned()))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
                Ok(Value(number.to_string()))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
                Ok(Value(number.to_string()))
            }
        }

        deserializer.deserialize_any(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn member_is_a_string_or_an_integer_at_the_top_level() {
        for (body, expected) in [
            (r#"{"id":"evt_1","a":{"id":"inner"}}"#, Some("evt_1")),
            (r#"{"a":[{"id":"inner"}],"id":"evt_1"}"#, Some("evt_1")),
            (r#"{"id":7}"#, Some("7")),
            (r#"{"id":-7}"#, Some("-7")),
            (r#"{"\u0069d":"escaped"}"#, Some("escaped")),
            (r#"{"id":""}"#, None),
            (r#"{"id":1.5}"#, None),
            (r#"{"id":null}"#, None),
            (r#"{"id":{"id":"x"}}"#, None),
            (r#"{"id":"a","id":"b"}"#, None),
            (r#"{"a":{"id":"inner"}}"#, None),
            (r#"["id"]"#, None),
            (r#"{"id":"a"} trailing"#, None),
            (r#"{"id":"a""#, None),
            ("", None),
        ] {
            assert_eq!(find(body.as_bytes(), "id").as_deref(), expected, "{body}");
        }
        assert_eq!(find(b"{\"id\":\"\xff\"}", "id"), None);
        assert_eq!(find(b"{\"id\":\"evt_1\",\"other\":\"\xff\"}", "id"), None, "the rest is JSON too");
    }

    #[test]
    fn member_is_found_beside_any_depth_of_nesting() {
        // Miri is slow. A recursive reader gives up at 128 levels.
        let depth = if cfg!(miri) { 1000 } else { 100_000 };
        let body = format!("{{\"a\":{}1{},\"id\":\"x\"}}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(find(body.as_bytes(), "id").as_deref(), Some("x"));
    }
}
