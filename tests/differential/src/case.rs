use std::fmt;
use std::ops::Range;
use std::time::{Duration, SystemTime};

use crate::request::Request;
use crate::script::Script;

/// One delivery, and how it goes in.
pub struct Case {
    pub number: u64,
    /// Which verifier judges it.
    pub plan: usize,
    pub request: Request,
    /// Whether the head goes in as a list of fields, which the core reads by itself.
    pub as_list: bool,
    /// For the entries that are told the time. The others look at the clock.
    pub now: SystemTime,
    /// The body as `update` is given it.
    pub pieces: Vec<Range<usize>>,
    /// The body as it is polled.
    pub script: Script,
    pub deadline: Option<Limit>,
    pub report_only: bool,
    /// What the application says of the tenant.
    pub tenant: Option<&'static str>,
    /// How much of the budget other deliveries have.
    pub occupied: usize,
}

/// A `Deadline`.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    pub within: Duration,
    /// Bytes a second, and the grace.
    pub pace: Option<(u32, Duration)>,
}

/// Of a body, no more than this is shown.
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
