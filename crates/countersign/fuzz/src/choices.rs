/// Reads an input as a sequence of choices. After the end of the input, every byte is zero.
pub struct Choices<'a>(&'a [u8]);

impl<'a> Choices<'a> {
    #[must_use]
    pub const fn new(input: &'a [u8]) -> Self {
        Self(input)
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    pub fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// Returns a number less than `count`.
    pub fn below(&mut self, count: usize) -> usize {
        usize::from(self.byte()) % count
    }

    pub fn of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())].clone()
    }

    /// Returns `Some` for one byte in four.
    pub fn rarely<T>(&mut self, choose: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.byte() & 3 == 3).then(|| choose(self))
    }

    /// Returns a length below 240, or for one byte in 16 a length of about 4 to 64 KiB.
    pub fn size(&mut self) -> usize {
        match self.byte() {
            small @ ..0xf0 => small.into(),
            large => usize::from(large - 0xef) * 4096 + 0xf0 - self.below(0x1e0),
        }
    }

    /// Returns at most `most` bytes of the input.
    pub fn bytes(&mut self, most: usize) -> &'a [u8] {
        let len = self.below(most + 1).min(self.0.len());
        let (bytes, rest) = self.0.split_at(len);
        self.0 = rest;
        bytes
    }

    pub fn number(&mut self) -> u32 {
        (0..4).fold(0, |number, _| number << 8 | u32::from(self.byte()))
    }
}
