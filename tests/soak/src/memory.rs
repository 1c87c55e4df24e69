//! Resident memory, and its growth.

/// Returns the resident memory in bytes, as counted by the kernel.
pub(crate) fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux has this file");
    let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).and_then(|line| line.split_whitespace().next());
    1024 * kib.and_then(|kib| kib.parse::<usize>().ok()).expect("the file has a line `VmRSS` in KiB")
}

/// The least-squares line through samples: the number of deliveries, and the resident memory.
pub(crate) struct Line {
    /// The growth in bytes for each delivery, or NaN with fewer than two samples.
    pub(crate) slope: f64,
}

impl Line {
    pub(crate) fn through(samples: &[(usize, usize)]) -> Self {
        let mean = |values: &dyn Fn(&(usize, usize)) -> usize| {
            samples.iter().map(|sample| values(sample) as f64).sum::<f64>() / samples.len() as f64
        };
        let (x, y) = (mean(&|sample| sample.0), mean(&|sample| sample.1));
        let (mut products, mut squares) = (0.0, 0.0);
        for &(number, bytes) in samples {
            products += (number as f64 - x) * (bytes as f64 - y);
            squares += (number as f64 - x).powi(2);
        }
        Self { slope: products / squares }
    }
}
