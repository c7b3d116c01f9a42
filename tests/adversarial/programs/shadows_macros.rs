// {"tries": "its own assert, assert_eq and panic", "right": ["failed", "error", "compile_error"]}
macro_rules! assert_eq { ($($any:tt)*) => {}; }
macro_rules! assert { ($($any:tt)*) => {}; }
macro_rules! panic { ($($any:tt)*) => { () }; }
fn add(a: i64, b: i64) -> i64 { 0 }
