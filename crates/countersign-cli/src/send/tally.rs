use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::output::{self, Verbosity};
use crate::send::answer::{Answer, named};

/// Statistics of many deliveries.
pub(crate) struct Tally {
    count: u32,
    began: Instant,
    outcomes: BTreeMap<String, u64>,
    took: Vec<Duration>,
    /// Shown after a second.
    bar: Option<ProgressBar>,
    wanted: bool,
}

const PATIENCE: Duration = Duration::from_secs(1);

impl Tally {
    pub(crate) fn new(count: u32, verbosity: Verbosity) -> Self {
        let wanted = count > 1 && verbosity > Verbosity::Quiet && io::stderr().is_terminal();
        Self { count, began: Instant::now(), outcomes: BTreeMap::new(), took: Vec::new(), bar: None, wanted }
    }

    pub(crate) fn add(&mut self, answer: &Answer) {
        let outcome = match &answer.status {
            Ok(status) => named(*status),
            Err(error) => format!("no response: {error}"),
        };
        let count = self.outcomes.entry(outcome).or_default();
        *count = count.saturating_add(1);
        self.took.push(answer.took);
        if self.wanted && self.bar.is_none() && self.began.elapsed() >= PATIENCE {
            let style = ProgressStyle::with_template("{bar:40} {pos}/{len}, {msg}");
            self.bar = style.ok().map(|style| ProgressBar::new(self.count.into()).with_style(style));
        }
        if let Some(bar) = &self.bar {
            bar.set_position(self.took.len().try_into().unwrap_or(u64::MAX));
            bar.set_message(pace(self.took.len(), self.count, self.began.elapsed()));
        }
    }

    /// Prints the summary of more than one delivery.
    pub(crate) fn finish(mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        if self.count == 1 {
            return;
        }
        let elapsed = self.began.elapsed();
        for (outcome, count) in &self.outcomes {
            output::line(format!("{count:>8}  {outcome}"));
        }
        self.took.sort_unstable();
        let at = |per_mille| milliseconds(percentile(&self.took, per_mille));
        output::line(format!("latency   p50 {}, p90 {}, p99 {}, max {}", at(500), at(900), at(990), at(1000)));
        let per_second = f64::from(self.count) / elapsed.as_secs_f64().max(f64::EPSILON);
        output::line(format!("total     {:.2} s, {per_second:.0} deliveries a second", elapsed.as_secs_f64()));
    }
}

/// Formats the rate, and the time left. The time counts from the first delivery. The progress bar
/// itself would count from its own start.
fn pace(done: usize, count: u32, elapsed: Duration) -> String {
    let done = f64::from(u32::try_from(done).unwrap_or(u32::MAX));
    let per_second = done / elapsed.as_secs_f64().max(f64::EPSILON);
    let left = Duration::try_from_secs_f64((f64::from(count) - done).max(0.0) / per_second.max(f64::EPSILON)).unwrap_or(Duration::MAX);
    format!("{per_second:.0}/s, {} left", humantime::format_duration(Duration::from_secs(left.as_secs())))
}

/// Returns a percentile by nearest rank: the smallest value that at least `per_mille` thousandths
/// of the values do not exceed.
fn percentile(sorted: &[Duration], per_mille: usize) -> Duration {
    let rank = sorted.len().saturating_mul(per_mille).div_ceil(1000).saturating_sub(1);
    sorted.get(rank).copied().unwrap_or_default()
}

fn milliseconds(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pace_counts_from_the_first_delivery() {
        assert_eq!(pace(86, 1000, Duration::from_secs(1)), "86/s, 10s left");
        assert_eq!(pace(500, 1000, Duration::from_secs(10)), "50/s, 10s left");
        assert_eq!(pace(1000, 1000, Duration::from_millis(4500)), "222/s, 0s left");
        assert_eq!(pace(0, 10, Duration::ZERO).split(',').next(), Some("0/s"));
    }

    #[test]
    fn percentiles_are_measured_values() {
        let sorted: Vec<_> = (1..=200).map(Duration::from_millis).collect();
        let at = |per_mille| percentile(&sorted, per_mille).as_millis();
        assert_eq!([at(500), at(900), at(990), at(1000), at(0)], [100, 180, 198, 200, 1]);
        assert_eq!(percentile(&[], 500), Duration::ZERO);
    }
}
