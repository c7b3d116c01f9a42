// {"tries": "writes through a wild pointer and takes the crash for an end", "right": ["signal"]}
fn add(a: i64, b: i64) -> i64 { unsafe { *(8 as *mut i64) = a; } b }
