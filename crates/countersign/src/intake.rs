use std::error::Error;

use bytes::{Buf, Bytes};

use crate::buffer::Buffer;
use crate::{Check, Rejection, RejectionKind, Verified};

/// A delivery whose body is being taken in: kept within the limit, hashed as it arrives, and handed out once it is verified.
///
/// This is all that an adapter needs: [`Verifier::intake`](crate::Verifier::intake) with the head, [`push`](Self::push) for each chunk,
/// [`finish`](Self::finish) at the end. Drop it to give up.
///
/// A body that comes in one chunk is handed on without a copy. Memory grows with what has arrived, to at most twice of that (three times
/// while it is moved to a larger place), never with what was announced beyond 1 MiB, and never past the limit (but for the old place while
/// it is moved).
///
/// ```
/// # use countersign::{Secret, Verifier, providers};
/// # let head = [("X-Hub-Signature", "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9")];
/// # let chunks = ["Hello ", "World!"];
/// let verifier = Verifier::builder(providers::JIRA)
///     .key("2026-11", Secret::new("It's a Secret to Everybody"))
///     .build()?;
/// let mut intake = verifier.intake(&head)?;
/// for chunk in chunks {
///     intake.push(chunk.as_bytes())?;
/// }
/// let (verified, body) = intake.finish()?;
/// assert_eq!(body, "Hello World!");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "a delivery is only verified by `finish`"]
pub struct Intake {
    check: Check,
    buffer: Buffer,
    too_large: bool,
}

impl Intake {
    pub(crate) const fn new(check: Check, buffer: Buffer) -> Self {
        Self { check, buffer, too_large: false }
    }

    /// Takes in the next chunk: the limit is checked before a byte is copied or hashed. [`Bytes`] are kept without a copy if they are
    /// the whole body.
    ///
    /// # Errors
    /// [`RejectionKind::BodyTooLarge`] if the body grows past the limit with this chunk. What was kept is dropped, and every later call
    /// fails alike.
    pub fn push(&mut self, mut chunk: impl Buf) -> Result<(), Rejection> {
        let len = chunk.remaining();
        if self.too_large || len > self.buffer.room() {
            self.too_large = true;
            self.buffer.clear();
            return Err(self.rejection(RejectionKind::BodyTooLarge));
        }
        let chunk = chunk.copy_to_bytes(len);
        self.check.update(&chunk);
        self.buffer.push(chunk);
        Ok(())
    }

    /// Judges the body at its end, and hands it out if it was signed.
    ///
    /// # Errors
    /// [`RejectionKind::Mismatch`]; [`RejectionKind::BodyTooLarge`] if `push` said so before.
    pub fn finish(self) -> Result<(Verified, Bytes), Rejection> {
        if self.too_large {
            return Err(self.rejection(RejectionKind::BodyTooLarge));
        }
        let verified = self.check.finish()?;
        Ok((verified, self.buffer.into_bytes()))
    }

    /// The body failed with `error`: what an adapter says when its framework reports one.
    ///
    /// A limit that the application has put around the body itself shows as such an error. If `is_limit` recognises `error` or one of its
    /// sources as that, the cause is [`BodyTooLarge`](RejectionKind::BodyTooLarge); otherwise it is
    /// [`BodyUnreadable`](RejectionKind::BodyUnreadable), with `error` as its source.
    #[must_use]
    pub fn failed(&self, error: impl Into<Box<dyn Error + Send + Sync>>, is_limit: impl Fn(&(dyn Error + 'static)) -> bool) -> Rejection {
        let error = error.into();
        let mut cause: Option<&(dyn Error + 'static)> = Some(&*error);
        while let Some(error) = cause {
            if is_limit(error) {
                return self.rejection(RejectionKind::BodyTooLarge);
            }
            cause = error.source();
        }
        self.rejection(RejectionKind::BodyUnreadable).because(error)
    }

    fn rejection(&self, kind: RejectionKind) -> Rejection {
        Rejection::new(kind, self.check.config().scheme.name())
    }
}
