//! Measures rows in rounds that take turns, and prints tables of the medians.

use std::time::{Duration, Instant};

const ROUNDS: usize = 61;
const ROUND: Duration = Duration::from_millis(4);

/// A row of a table, with the measured work.
pub struct Row<'a> {
    name: String,
    deliveries: u32,
    work: Box<dyn FnMut() + 'a>,
}

impl<'a> Row<'a> {
    /// Creates a row. Each call of `work` is one delivery.
    pub fn new(name: impl Into<String>, work: impl FnMut() + 'a) -> Self {
        Self::of_many(name, 1, work)
    }

    /// Creates a row. Each call of `work` is this number of deliveries. The figures are for one delivery.
    pub fn of_many(name: impl Into<String>, deliveries: u32, work: impl FnMut() + 'a) -> Self {
        Self { name: name.into(), deliveries, work: Box::new(work) }
    }

    /// Runs one round, and returns the nanoseconds for one delivery.
    fn round(&mut self, batch: u32) -> f64 {
        let (began, mut done) = (Instant::now(), 0_u32);
        while began.elapsed() < ROUND {
            for _ in 0..batch {
                (self.work)();
            }
            done += batch;
        }
        began.elapsed().as_secs_f64() * 1e9 / f64::from(done) / f64::from(self.deliveries)
    }

    /// Returns the number of calls between two reads of the clock: enough to hide the cost of a read, and few enough for a short round.
    fn batch(&mut self) -> u32 {
        let began = Instant::now();
        (self.work)();
        let once = began.elapsed().max(Duration::from_nanos(1));
        u32::try_from((ROUND / 4).as_nanos() / once.as_nanos()).unwrap_or(u32::MAX).clamp(1, 16)
    }
}

/// Medians for one delivery. The ratio and the difference compare with the first row of the same round. A change in the speed of the
/// machine affects both less than the times.
struct Measured {
    nanoseconds: f64,
    ratio: f64,
    over_first: f64,
    allocations: f64,
    bytes: f64,
}

fn measure(rows: &mut [Row<'_>]) -> Vec<Measured> {
    let mut counts = Vec::new();
    for row in rows.iter_mut() {
        (row.work)();
        let count = allocation_counter::measure(|| (row.work)());
        counts.push([count.count_total, count.bytes_total].map(|total| exact(total) / f64::from(row.deliveries)));
    }
    let samples = rows.iter_mut().map(|row| {
        let batch = row.batch();
        move || row.round(batch)
    });
    let times = take_turns(ROUNDS, samples.collect());
    let beside_first = |times_of_row: &[f64], compare: fn(f64, f64) -> f64| {
        median(times_of_row.iter().zip(&times[0]).map(|(time, first)| compare(*time, *first)).collect())
    };
    let rows = times.iter().zip(counts);
    rows.map(|(of_row, [allocations, bytes])| Measured {
        nanoseconds: median(of_row.clone()),
        ratio: beside_first(of_row, |time, first| time / first),
        over_first: beside_first(of_row, |time, first| time - first),
        allocations,
        bytes,
    })
    .collect()
}

/// Returns this number of samples for each row. The rows take turns, so a slow phase of the machine slows all rows.
pub fn take_turns(rounds: usize, mut samples: Vec<impl FnMut() -> f64>) -> Vec<Vec<f64>> {
    let mut taken = vec![Vec::with_capacity(rounds); samples.len()];
    for _ in 0..rounds {
        for (sample, taken) in samples.iter_mut().zip(&mut taken) {
            taken.push(sample());
        }
    }
    taken
}

pub fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

#[expect(clippy::cast_precision_loss, reason = "all counts here are far below 2^53, and so exact")]
pub fn exact(count: u64) -> f64 {
    count as f64
}

/// Measures and prints a table for each size of the body.
pub fn print(title: &str, sizes: &[usize], rows: impl Fn(usize) -> Vec<Row<'static>>) {
    println!("\n{title}");
    for size in sizes {
        print_block(&bytes(*size), rows(*size));
    }
}

/// Measures and prints a table without sizes.
pub fn print_rows(title: &str, heading: &str, rows: Vec<Row<'_>>) {
    println!("\n{title}");
    print_block(heading, rows);
}

fn print_block(heading: &str, mut rows: Vec<Row<'_>>) {
    let measured = measure(&mut rows);
    println!("\n{heading:<56}{:>12}{:>8}{:>14}{:>14}{:>14}", "ns", "ratio", "over first", "allocations", "bytes");
    for (row, Measured { nanoseconds, ratio, over_first, allocations, bytes }) in rows.iter().zip(measured) {
        println!("{:<56}{nanoseconds:>12.0}{ratio:>8.2}{over_first:>14.0}{allocations:>14.0}{bytes:>14.0}", row.name);
    }
}

/// Prints a table of finished figures.
pub fn print_figures(title: &str, headings: &[&str], lines: &[(String, Vec<f64>)]) {
    println!("\n{title}\n");
    print!("{:<56}", "");
    headings.iter().for_each(|heading| print!("{heading:>22}"));
    println!();
    for (name, figures) in lines {
        print!("{name:<56}");
        for figure in figures {
            print!("{figure:>22.*}", if figure.abs() < 100.0 { 2 } else { 0 });
        }
        println!();
    }
}

/// Returns a size with its unit.
pub fn bytes(size: usize) -> String {
    const UNITS: [(usize, &str); 2] = [(1024 * 1024, "MiB"), (1024, "KiB")];
    let unit = UNITS.into_iter().find(|(unit, _)| size >= *unit && size.is_multiple_of(*unit));
    unit.map_or_else(|| format!("{size} B"), |(unit, name)| format!("{} {name}", size / unit))
}
