//! Rounds that take turns, and a table of their medians.

use std::time::{Duration, Instant};

const ROUNDS: usize = 61;
const ROUND: Duration = Duration::from_millis(4);

/// Something to be measured.
pub struct Row<'a> {
    pub name: &'static str,
    pub work: Box<dyn FnMut() + 'a>,
}

impl<'a> Row<'a> {
    pub fn new(name: &'static str, work: impl FnMut() + 'a) -> Self {
        Self { name, work: Box::new(work) }
    }
}

struct Measured {
    nanoseconds: f64,
    allocations: u64,
}

/// The medians, in the order of the rows.
fn measure(rows: &mut [Row<'_>]) -> Vec<Measured> {
    let mut measured = Vec::new();
    let mut counts = Vec::new();
    for row in rows.iter_mut() {
        (row.work)();
        counts.push(allocation_counter::measure(|| (row.work)()).count_total);
        measured.push(Vec::with_capacity(ROUNDS));
    }
    for _ in 0..ROUNDS {
        for (row, times) in rows.iter_mut().zip(&mut measured) {
            let (began, mut done) = (Instant::now(), 0_u32);
            while began.elapsed() < ROUND {
                for _ in 0..16 {
                    (row.work)();
                }
                done += 16;
            }
            times.push(began.elapsed().as_secs_f64() * 1e9 / f64::from(done));
        }
    }
    let median = |mut times: Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    measured.into_iter().zip(counts).map(|(times, allocations)| Measured { nanoseconds: median(times), allocations }).collect()
}

/// Prints a table: a line for each row, a column for each size.
pub fn print(title: &str, sizes: &[usize], rows: impl Fn(usize) -> Vec<Row<'static>>) {
    println!("\n{title}\n");
    let columns: Vec<(Vec<&str>, Vec<Measured>)> = sizes
        .iter()
        .map(|size| {
            let mut rows = rows(*size);
            let names = rows.iter().map(|row| row.name).collect();
            (names, measure(&mut rows))
        })
        .collect();
    print!("{:<44}", "ns, ratio to the first, allocations");
    sizes.iter().for_each(|size| print!("{:>22}", format!("{size} B")));
    println!();
    for place in 0..columns[0].0.len() {
        print!("{:<44}", columns[0].0[place]);
        for (_, measured) in &columns {
            let Measured { nanoseconds, allocations } = measured[place];
            print!("{:>22}", format!("{nanoseconds:.0} {:.2} {allocations}", nanoseconds / measured[0].nanoseconds));
        }
        println!();
    }
}
