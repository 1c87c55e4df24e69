//! The command as a user runs it.

#[cfg(test)]
mod command {
    mod common;
    mod explain;
    mod face;
    mod listen;
    mod send;
    mod sign;
}
