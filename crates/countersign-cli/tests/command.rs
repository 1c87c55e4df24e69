//! The command as a user runs it.

#[cfg(test)]
mod command {
    mod common;
    mod explain;
    mod listen;
    mod send;
    mod sign;
}
