pub(crate) mod collector;
pub(crate) mod deadline;
pub(crate) mod memory_budget;
