pub(crate) mod buffer;
pub(crate) mod deadline;
pub(crate) mod memory_budget;
