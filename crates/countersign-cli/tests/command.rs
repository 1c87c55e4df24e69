//! Tests of the command, run as a user would.

#[cfg(test)]
mod command {
    mod common;
    mod explain;
    mod face;
    mod listen;
    mod send;
    mod sign;
}
