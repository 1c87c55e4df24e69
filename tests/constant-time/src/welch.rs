//! Welch's t-test over two classes of times, with the crops of dudect.

/// The least number of times in a class, as in dudect. Fewer times give no result.
const ENOUGH: usize = 10_000;

/// Returns the t of the greatest magnitude over all crops, or NaN with too few times.
///
/// One crop keeps all times. Each of a hundred other crops keeps the times below a quantile of both classes together. High quantiles lie
/// closer together than low quantiles. The crops cut off interrupted samples, and differences shown only by the slowest samples.
pub fn greatest_t(times: [Vec<f64>; 2]) -> f64 {
    let all = sorted(times.concat());
    let quantiles = (1..=100).map(|step| 1.0 - 0.5_f64.powf(f64::from(step) / 10.0));
    let crops = quantiles.filter_map(|quantile| all.get((quantile * all.len() as f64) as usize).copied());
    let centre = all.get(all.len() / 2).copied().unwrap_or_default();
    let [left, right] = times.map(|times| Class::new(sorted(times), centre));
    let tests = crops.chain([f64::INFINITY]).filter_map(|crop| Some(welch(left.below(crop)?, right.below(crop)?)));
    tests.max_by(|one, other| one.abs().total_cmp(&other.abs())).unwrap_or(f64::NAN)
}

/// Returns the median over both classes.
pub fn median(times: &[Vec<f64>; 2]) -> f64 {
    let all = sorted(times.concat());
    all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
}

fn sorted(mut times: Vec<f64>) -> Vec<f64> {
    times.sort_unstable_by(f64::total_cmp);
    times
}

/// The number of times, their mean and their variance.
struct Moments {
    number: f64,
    mean: f64,
    variance: f64,
}

fn welch(left: Moments, right: Moments) -> f64 {
    let difference = left.mean - right.mean;
    let error = (left.variance / left.number + right.variance / right.number).sqrt();
    // Without any variance, the error is zero. Equal means then give 0, and different means give an infinite t.
    if difference == 0.0 { 0.0 } else { difference / error }
}

/// The sorted times of one class, with the running sums of the times and of their squares.
struct Class {
    times: Vec<f64>,
    sums: Vec<(f64, f64)>,
}

impl Class {
    /// Creates a class. The sums are of differences to `centre`, so that the squares stay small.
    fn new(times: Vec<f64>, centre: f64) -> Self {
        let mut sum = (0.0, 0.0);
        let add = |time: &f64| {
            let time = time - centre;
            sum = (sum.0 + time, sum.1 + time * time);
            sum
        };
        let sums = times.iter().map(add).collect();
        Self { times, sums }
    }

    fn below(&self, crop: f64) -> Option<Moments> {
        let number = self.times.partition_point(|time| *time < crop);
        let (sum, squares) = *self.sums.get(number.checked_sub(1)?)?;
        let count = number as f64;
        let mean = sum / count;
        (number >= ENOUGH).then(|| Moments { number: count, mean, variance: (squares - mean * sum) / (count - 1.0) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn welch_t_matches_the_textbook() {
        let class = |times: &[f64]| Class::new(sorted(times.repeat(ENOUGH)), 4.0);
        let (left, right) = (class(&[1.0, 2.0, 3.0]), class(&[2.0, 4.0, 6.0]));
        let (left, right) = (left.below(f64::INFINITY).unwrap(), right.below(f64::INFINITY).unwrap());
        let number = 3.0 * ENOUGH as f64;
        let expected = -2.0 / ((2.0 / 3.0 + 8.0 / 3.0) / (number - 1.0)).sqrt();
        assert!((welch(left, right) - expected).abs() < 1e-6);
    }

    #[test]
    fn too_few_times_give_nan() {
        assert!(greatest_t([vec![1.0; ENOUGH - 1], vec![2.0; ENOUGH - 1]]).is_nan());
    }
}
