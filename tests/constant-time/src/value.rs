//! Random header values.

/// Fills the text with random characters of this alphabet.
pub fn any_of(text: &mut [u8], alphabet: &[u8]) {
    text.iter_mut().for_each(|byte| *byte = alphabet[fastrand::usize(..alphabet.len())]);
}

/// Replaces the byte with a random character of this alphabet, other than `was`.
pub fn change(byte: &mut u8, was: u8, alphabet: &[u8]) {
    let drawn = fastrand::usize(..alphabet.len());
    *byte = if alphabet[drawn] == was { alphabet[(drawn + 1) % alphabet.len()] } else { alphabet[drawn] };
}
