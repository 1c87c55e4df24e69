use std::fmt;

use redis::Value;

/// A reason why a server is unfit for a guard: claims or marks can be lost, or every claim fails. After
/// the loss of a mark, a repeat runs again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// `maxmemory-policy` is not `noeviction`. A full server then evicts marks without an error.
    Evicts {
        /// The policy of the server.
        policy: String,
    },
    /// `appendonly` is off. A restart then forgets everything since the last snapshot, if any.
    NotPersistent,
    /// The user may not call `INFO`, or the answer lacks the version, the policy or the persistence.
    Unchecked,
    /// The server is older than Redis 7.0, and knows no `SET` with `NX` and `GET`. Every claim fails.
    TooOld {
        /// The version of the server.
        version: String,
    },
}

impl Problem {
    /// Finds the problems in the answer to `INFO`. A cluster answers for each node.
    pub(crate) fn find(info: &Value) -> Vec<Self> {
        let mut texts = Vec::new();
        collect(info, &mut texts);
        let mut problems = Vec::new();
        let has = |name: &str| texts.iter().flat_map(|text| text.lines()).any(|line| line.starts_with(name));
        if !["redis_version:", "maxmemory_policy:", "aof_enabled:"].into_iter().all(has) {
            problems.push(Self::Unchecked);
        }
        for line in texts.iter().flat_map(|text| text.lines()) {
            let problem = match line.trim_end().split_once(':') {
                Some(("maxmemory_policy", policy)) if policy != "noeviction" => Self::Evicts { policy: policy.to_owned() },
                Some(("aof_enabled", "0")) => Self::NotPersistent,
                Some(("redis_version", version)) if major(version).is_some_and(|major| major < 7) => {
                    Self::TooOld { version: version.to_owned() }
                }
                _ => continue,
            };
            if !problems.contains(&problem) {
                problems.push(problem);
            }
        }
        problems
    }
}

fn major(version: &str) -> Option<u32> {
    version.split('.').next()?.parse().ok()
}

/// Collects the texts of an answer.
fn collect(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::BulkString(text) => texts.push(String::from_utf8_lossy(text).into_owned()),
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => texts.push(text.clone()),
        Value::Array(values) | Value::Set(values) => values.iter().for_each(|value| collect(value, texts)),
        Value::Map(entries) => entries.iter().for_each(|(_, value)| collect(value, texts)),
        _ => {}
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Evicts { policy } => write!(f, "maxmemory-policy is {policy}: set noeviction"),
            Self::NotPersistent => f.write_str("appendonly is no: set yes"),
            Self::Unchecked => f.write_str("the settings are unknown: allow INFO, or check maxmemory-policy and appendonly yourself"),
            Self::TooOld { version } => write!(f, "the version is {version}: Redis 7.0 or later is needed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use redis::VerbatimFormat;

    use super::*;

    #[test]
    fn problems_are_found_in_the_answer_to_info() {
        let answer = |text: &str| Value::BulkString(text.as_bytes().to_vec());
        let good = "# Server\r\nredis_version:7.0.15\r\nmaxmemory_policy:noeviction\r\naof_enabled:1\r\n";
        assert_eq!(Problem::find(&answer(good)), []);
        let bad = "redis_version:6.2.0\r\nmaxmemory_policy:allkeys-lru\r\naof_enabled:0\r\n";
        let problems =
            [Problem::TooOld { version: "6.2.0".into() }, Problem::Evicts { policy: "allkeys-lru".into() }, Problem::NotPersistent];
        assert_eq!(Problem::find(&answer(bad)), problems);
        let node = |text: &str| (answer("127.0.0.1:1"), answer(text));
        let cluster = Value::Map(vec![node(good), node("aof_enabled:0\r\n"), node("aof_enabled:0\r\n")]);
        assert_eq!(Problem::find(&cluster), [Problem::NotPersistent]);
        for missing in ["redis_version:7.0.15\r\n", "maxmemory_policy:noeviction\r\n", "aof_enabled:1\r\n"] {
            assert_eq!(Problem::find(&answer(&good.replace(missing, ""))), [Problem::Unchecked], "{missing}");
        }
    }

    #[test]
    fn answer_of_any_shape_is_searched() {
        let text = "redis_version:7.0.15\r\nmaxmemory_policy:noeviction\r\naof_enabled:0\r\n";
        let bulk = || Value::BulkString(text.as_bytes().to_vec());
        for answer in [
            bulk(),
            Value::SimpleString(text.to_owned()),
            Value::VerbatimString { format: VerbatimFormat::Text, text: text.to_owned() },
            Value::Array(vec![Value::Nil, bulk()]),
            Value::Set(vec![bulk()]),
            Value::Map(vec![(Value::Nil, Value::Array(vec![bulk()]))]),
        ] {
            assert_eq!(Problem::find(&answer), [Problem::NotPersistent], "{answer:?}");
        }
        for answer in [Value::Nil, Value::Int(7), Value::Array(Vec::new())] {
            assert_eq!(Problem::find(&answer), [Problem::Unchecked], "{answer:?}");
        }
    }
}
