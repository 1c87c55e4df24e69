use std::fmt;
use std::ops::Range;
use std::time::{Duration, SystemTime};

use crate::request::Request;
use crate::script::Script;

/// One delivery, and the way into both cores.
pub struct Case {
    pub number: u64,
    /// The index of the verifier.
    pub plan: usize,
    pub request: Request,
    /// Whether the head is a plain list of fields. The core implements the head for such a list.
    pub as_list: bool,
    /// The time, for the entries with a time as an argument. The other entries read the clock.
    pub now: SystemTime,
    /// The pieces of the body for `update`.
    pub pieces: Vec<Range<usize>>,
    /// The body for the entries that poll.
    pub script: Script,
    pub deadline: Option<Limit>,
    pub report_only: bool,
    /// The tenant named by the application.
    pub tenant: Option<&'static str>,
    /// The bytes of the memory budget charged to other deliveries.
    pub occupied: usize,
}

/// A `Deadline`.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    pub within: Duration,
    /// The bytes a second, and the grace period.
    pub pace: Option<(u32, Duration)>,
}

/// The greatest number of body bytes in the `Debug` text.
const SHOWN: usize = 2000;

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { request, as_list, now, pieces, script, deadline, report_only, tenant, occupied, .. } = self;
        writeln!(f, "  head{}: {request:?}", if *as_list { ", as a list" } else { "" })?;
        let since_1970 = match now.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => format!("{since:?}"),
            Err(before) => format!("-{:?}", before.duration()),
        };
        writeln!(f, "  now: {since_1970} since 1970")?;
        let shown = &script.body[..script.body.len().min(SHOWN)];
        writeln!(f, "  body: \"{}\"{}", shown.escape_ascii(), if shown.len() < script.body.len() { " and more" } else { "" })?;
        writeln!(f, "  pieces: {pieces:?}")?;
        writeln!(f, "  script: {script:?}")?;
        writeln!(f, "  deadline: {deadline:?}, report only: {report_only}, tenant: {tenant:?}, budget taken: {occupied}")
    }
}
