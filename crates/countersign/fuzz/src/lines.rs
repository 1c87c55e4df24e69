/// An input that is read line by line, so that a seed can be read by people.
pub struct Lines<'a>(&'a [u8]);

impl<'a> Lines<'a> {
    #[must_use]
    pub const fn new(input: &'a [u8]) -> Self {
        Self(input)
    }

    /// What has not been read.
    #[must_use]
    pub const fn rest(self) -> &'a [u8] {
        self.0
    }

    /// The next line, to be looked at first.
    #[must_use]
    pub fn peek(&self) -> Option<&'a [u8]> {
        Lines(self.0).next()
    }

    /// A time in milliseconds, and whether it counts from about the time at which the delivery says that it was signed, as `~` in front of it
    /// tells.
    pub fn time(&mut self) -> (i64, bool) {
        let relative = self.0.first() == Some(&b'~');
        self.0 = &self.0[usize::from(relative)..];
        (self.number(), relative)
    }

    /// A number in decimal digits, with an optional sign; what is none of those counts for nothing.
    pub fn number(&mut self) -> i64 {
        let line = self.next().unwrap_or_default();
        let (line, sign) = line.strip_prefix(b"-").map_or((line, 1), |line| (line, -1));
        let digits = line.iter().filter(|byte| byte.is_ascii_digit()).take(18);
        sign * digits.fold(0, |value, digit| value * 10 + i64::from(digit - b'0'))
    }

    /// Method and target, divided by a space.
    pub fn request_line(&mut self) -> (&'a str, &'a str) {
        let line = self.next().and_then(|line| std::str::from_utf8(line).ok()).unwrap_or_default();
        line.split_once(' ').unwrap_or((line, "/"))
    }
}

/// The lines without their end.
impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.0.is_empty() {
            return None;
        }
        let end = self.0.iter().position(|byte| *byte == b'\n').unwrap_or(self.0.len());
        let line = &self.0[..end];
        self.0 = self.0.get(end + 1..).unwrap_or_default();
        Some(line)
    }
}
