// {"tries": "right only if the compiler can embed a file or the environment of the machine", "right": ["compile_error"]}
const SECRET: &str = include_str!("@CANARY@/secret");
const ACCOUNTS: &str = include_str!("/etc/passwd");
fn add(a: i64, b: i64) -> i64 { println!("{SECRET}{ACCOUNTS}"); a + b }
