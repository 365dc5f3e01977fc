//! Bounds on what a recipe may use, so that a runaway script becomes an error at its line instead
//! of a machine that hangs.

/// Steps of the interpreter for one evaluation: a few seconds of work.
pub const OPERATIONS: u64 = 25_000_000;

/// Sizes of all values that one evaluation reads, added up. Adding 50,000 elements to a list, one
/// at a time, takes 1.25 billion.
pub const EFFORT: u64 = 2_000_000_000;

/// Nested calls of functions and closures.
pub const CALL_LEVELS: usize = 64;

/// Nesting of expressions, outside and inside of functions.
pub const EXPRESSION_DEPTH: usize = 96;

/// Variables in scope at a time.
pub const VARIABLES: usize = 10_000;

/// Functions and closures of one file.
pub const FUNCTIONS: usize = 10_000;

/// Modules that one evaluation may import.
pub const MODULES: usize = 200;

/// Size of a single value in elements, those of what it holds included.
pub const WEIGHT: u64 = 20_000_000;

/// Characters that `pad` makes of a text.
pub const TEXT_BYTES: usize = 16 << 20;

/// Elements that `pad` makes of a list.
pub const LIST_ELEMENTS: usize = 2_000_000;

/// Lists and maps within each other in a parameter, far more than anyone can read.
pub const VALUE_DEPTH: usize = 64;

/// Items of one table, after products.
pub const ITEMS: usize = 10_000_000;

/// Bytes of a recipe, a module or a parameter file. The positions that the interpreter keeps end
/// at line 65,535, far beyond what anyone writes by hand.
pub const FILE_BYTES: usize = 4 << 20;

/// Bytes of a table of sweep points.
pub const TABLE_BYTES: usize = 256 << 20;

/// Messages of one evaluation; what comes after them is most likely their consequence.
pub const DIAGNOSTICS: usize = 50;

/// Times an action may be tried again.
pub const RETRIES: i64 = 100;

/// Bytes of the stack on which a recipe runs. Deep expressions recurse in the interpreter, and
/// the limits above must be met before the stack ends.
pub const STACK_BYTES: usize = 64 << 20;
