use std::fmt;

/// A header field: its name, and the bytes of its value.
pub type Field = (String, Vec<u8>);

/// The head of a request. `before.rs` and `now.rs` implement the head for the core of each side.
#[derive(Clone)]
pub struct Request {
    pub method: String,
    pub target: String,
    pub original_target: String,
    pub fields: Vec<Field>,
}

impl Request {
    /// Returns whether a plain list of fields stands for this head.
    pub fn is_bare(&self) -> bool {
        self.method == "POST" && self.target == "/" && self.original_target == "/"
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {:?} (originally {:?})", self.method.escape_debug(), self.target, self.original_target)?;
        for (name, value) in &self.fields {
            writeln!(f, "    {}: \"{}\"", name.escape_debug(), value.escape_ascii())?;
        }
        Ok(())
    }
}
