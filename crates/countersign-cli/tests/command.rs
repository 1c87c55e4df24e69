//! Tests of the command, run as a user would.

#[cfg(test)]
mod command {
    mod common;
    mod explain;
    mod help;
    mod listen;
    mod send;
    mod sign;
}
