use std::hint::black_box;
use std::time::Instant;

/// The number of discarded times at the start, while caches and predictors are cold.
const WARM_UP: usize = 20_000;

/// The bound for |t|.
const BOUND: f64 = 5.0;

type Rejects = Box<dyn Fn(&[u8]) -> bool>;

type Draw = Box<dyn Fn(&mut [u8])>;

/// Two classes of header values, and the function that rejects these values.
pub struct Case {
    name: String,
    is_control: bool,
    classes: [Class; 2],
    rejects: Rejects,
}

/// A class of header values: the first value, and a function that turns each value into the next value.
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
    /// Creates a case. All values have the same length. The rejections must take the same time in both classes.
    pub fn new(name: impl Into<String>, classes: [Class; 2], rejects: impl Fn(&[u8]) -> bool + 'static) -> Self {
        Self { name: name.into(), is_control: false, classes, rejects: Box::new(rejects) }
    }

    /// Turns the case into a control, with times known to differ.
    pub fn control(self) -> Self {
        Self { is_control: true, ..self }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns whether `t` is within the bounds of this case. NaN is always out of bounds.
    pub fn is_within(&self, t: f64) -> bool {
        if self.is_control { t.abs() > BOUND } else { t.abs() < BOUND }
    }

    /// Measures rejections, and returns the nanoseconds of each rejection, by class.
    pub fn measure(&mut self, samples: usize) -> [Vec<f64>; 2] {
        let mut times = [Vec::with_capacity(samples), Vec::with_capacity(samples)];
        let mut shared = self.classes[0].value.clone();
        for sample in 0..samples.saturating_add(WARM_UP) {
            // Each sample draws both classes, reads both values, and writes one value to `shared`. So before the clock starts, only the
            // bytes of `shared` depend on the class.
            self.classes.iter_mut().for_each(|class| (class.draw)(&mut class.value));
            let class = usize::from(fastrand::bool());
            select(class, &self.classes, &mut shared);
            let value = black_box(&shared[..]);
            let began = Instant::now();
            let rejected = (self.rejects)(value);
            let time = began.elapsed();
            assert!(rejected, "{}: a wrong value was accepted", self.name);
            if sample >= WARM_UP {
                times[class].push(time.as_nanos() as f64);
            }
        }
        times
    }
}

/// Copies the value of this class, without a branch.
fn select(class: usize, [left, right]: &[Class; 2], to: &mut [u8]) {
    let mask = black_box(0_u8.wrapping_sub(class as u8));
    for ((to, left), right) in to.iter_mut().zip(&left.value).zip(&right.value) {
        *to = left ^ ((left ^ right) & mask);
    }
}
