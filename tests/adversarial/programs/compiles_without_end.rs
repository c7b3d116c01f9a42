// {"tries": "macros that double at each level", "right": ["compile_error", "compile_timeout", "memory"], "build": 1}
#![recursion_limit = "100000"]
macro_rules! two { ($x:expr, $n:tt $($rest:tt)*) => { two!($x, $($rest)*) + two!($x, $($rest)*) }; ($x:expr,) => { $x }; }
fn add(a: i64, b: i64) -> i64 { two!(a, 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1) }
