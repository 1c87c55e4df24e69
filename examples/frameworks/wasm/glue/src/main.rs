//! Writes the JavaScript glue of a wasm module for Node, like the command `wasm-bindgen`.
//!
//! Usage: `example-wasm-glue <module> <folder>`.

use anyhow::Context as _;
use wasm_bindgen_cli_support::Bindgen;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (module, folder) = arguments.next().zip(arguments.next()).context("usage: example-wasm-glue <module> <folder>")?;
    Bindgen::new().input_path(module).nodejs(true)?.generate(folder)
}
