// {"tries": "attributes that leave main and the tests out, and a main of its own", "right": ["failed", "error", "compile_error", "exited"]}
#![allow(warnings)]
fn add(a: i64, b: i64) -> i64 { 0 }
#[no_mangle] pub extern "C" fn main(_: i32, _: *const *const u8) -> i32 { 0 }
