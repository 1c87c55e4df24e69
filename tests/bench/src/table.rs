//! Rounds that take turns, and tables of their medians.

use std::time::{Duration, Instant};

const ROUNDS: usize = 61;
const ROUND: Duration = Duration::from_millis(4);

/// Something to be measured.
pub struct Row<'a> {
    name: String,
    deliveries: u32,
    work: Box<dyn FnMut() + 'a>,
}

impl<'a> Row<'a> {
    /// Work that is one delivery.
    pub fn new(name: impl Into<String>, work: impl FnMut() + 'a) -> Self {
        Self::of_many(name, 1, work)
    }

    /// Work that is so many deliveries: the figures are for one of them.
    pub fn of_many(name: impl Into<String>, deliveries: u32, work: impl FnMut() + 'a) -> Self {
        Self { name: name.into(), deliveries, work: Box::new(work) }
    }

    /// Nanoseconds for one delivery, over one round.
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

    /// How often the work is done between two looks at the clock, so that a look costs nothing and a round does not become long.
    fn batch(&mut self) -> u32 {
        let began = Instant::now();
        (self.work)();
        let once = began.elapsed().max(Duration::from_nanos(1));
        u32::try_from((ROUND / 4).as_nanos() / once.as_nanos()).unwrap_or(u32::MAX).clamp(1, 16)
    }
}

/// Medians for one delivery. The ratio and the difference are those to the first row in the same round, which a change in the speed of the
/// machine moves less than the times.
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

/// So many samples of each, one of each in turn, so that what slows the machine down for a while slows all of them.
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

/// What is counted here is far below 2^53.
#[expect(clippy::cast_precision_loss, reason = "counts below 2^53 are exact")]
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

/// Measures and prints a table that has no sizes.
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

/// Prints figures that were taken elsewhere, under their headings.
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

/// A size as people write it.
pub fn bytes(size: usize) -> String {
    const UNITS: [(usize, &str); 2] = [(1024 * 1024, "MiB"), (1024, "KiB")];
    let unit = UNITS.into_iter().find(|(unit, _)| size >= *unit && size.is_multiple_of(*unit));
    unit.map_or_else(|| format!("{size} B"), |(unit, name)| format!("{} {name}", size / unit))
}
