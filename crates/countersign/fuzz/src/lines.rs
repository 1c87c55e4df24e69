/// Reads an input line by line. Inputs are text, so people can read the seeds.
pub struct Lines<'a>(&'a [u8]);

impl<'a> Lines<'a> {
    #[must_use]
    pub const fn new(input: &'a [u8]) -> Self {
        Self(input)
    }

    /// Returns the unread bytes.
    #[must_use]
    pub const fn rest(self) -> &'a [u8] {
        self.0
    }

    /// Returns the next line, and leaves the line unread.
    #[must_use]
    pub fn peek(&self) -> Option<&'a [u8]> {
        Lines(self.0).next()
    }

    /// Reads a time, and whether the time is relative. `~` before the time makes the time relative to the approximate timestamp of the
    /// delivery.
    pub fn time(&mut self) -> (i64, bool) {
        let relative = self.0.first() == Some(&b'~');
        self.0 = &self.0[usize::from(relative)..];
        (self.number(), relative)
    }

    /// Reads a decimal number with an optional minus sign. Ignores all other characters, and digits after the 18th.
    pub fn number(&mut self) -> i64 {
        let line = self.next().unwrap_or_default();
        let (line, sign) = line.strip_prefix(b"-").map_or((line, 1), |line| (line, -1));
        let digits = line.iter().filter(|byte| byte.is_ascii_digit()).take(18);
        sign * digits.fold(0, |value, digit| value * 10 + i64::from(digit - b'0'))
    }

    /// Reads the method and the target, separated by a space.
    pub fn request_line(&mut self) -> (&'a str, &'a str) {
        let line = self.next().and_then(|line| std::str::from_utf8(line).ok()).unwrap_or_default();
        line.split_once(' ').unwrap_or((line, "/"))
    }
}

/// Returns the lines without the line feeds.
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
