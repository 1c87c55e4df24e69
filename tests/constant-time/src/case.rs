use std::hint::black_box;
use std::time::Instant;

/// Times that are not kept: caches and predictors are cold.
const WARM_UP: usize = 20_000;

/// The bound for |t|.
const BOUND: f64 = 5.0;

type Rejects = Box<dyn Fn(&[u8]) -> bool>;

type Draw = Box<dyn Fn(&mut [u8])>;

/// Two classes of a header's value, and who rejects it.
pub struct Case {
    name: String,
    is_control: bool,
    classes: [Class; 2],
    rejects: Rejects,
}

/// Values of a header: one to begin with, and how the next is made of the one before.
pub struct Class {
    value: Vec<u8>,
    draw: Draw,
}

impl Class {
    pub fn new(value: impl Into<Vec<u8>>, draw: impl Fn(&mut [u8]) + 'static) -> Self {
        Self { value: value.into(), draw: Box::new(draw) }
    }
}

impl Case {
    /// Values, all of one length, that are to be rejected in equal times.
    pub fn new(name: impl Into<String>, classes: [Class; 2], rejects: impl Fn(&[u8]) -> bool + 'static) -> Self {
        Self { name: name.into(), is_control: false, classes, rejects: Box::new(rejects) }
    }

    /// The times are known to differ.
    pub fn control(self) -> Self {
        Self { is_control: true, ..self }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is not a number is out of bounds either way.
    pub fn is_within(&self, t: f64) -> bool {
        if self.is_control { t.abs() > BOUND } else { t.abs() < BOUND }
    }

    /// The nanoseconds that rejecting takes, by class.
    pub fn measure(&mut self, samples: usize) -> [Vec<f64>; 2] {
        let mut times = [Vec::with_capacity(samples), Vec::with_capacity(samples)];
        let mut shared = self.classes[0].value.clone();
        for sample in 0..samples.saturating_add(WARM_UP) {
            // Both are drawn, whichever is taken, and both are read for the one place that is looked at: up to the clock, nothing depends on
            // the class but the bytes there.
            self.classes.iter_mut().for_each(|class| (class.draw)(&mut class.value));
            let class = usize::from(fastrand::bool());
            select(class, &self.classes, &mut shared);
            let value = black_box(&shared[..]);
            let began = Instant::now();
            let rejected = (self.rejects)(value);
            let time = began.elapsed();
            assert!(rejected, "{}: what is wrong was accepted", self.name);
            if sample >= WARM_UP {
                times[class].push(time.as_nanos() as f64);
            }
        }
        times
    }
}

/// Without a branch.
fn select(class: usize, [left, right]: &[Class; 2], to: &mut [u8]) {
    let mask = black_box(0_u8.wrapping_sub(class as u8));
    for ((to, left), right) in to.iter_mut().zip(&left.value).zip(&right.value) {
        *to = left ^ ((left ^ right) & mask);
    }
}
