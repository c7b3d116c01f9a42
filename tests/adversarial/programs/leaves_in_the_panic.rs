// {"tries": "a panic hook that ends the process with 0", "right": ["failed", "exited"]}
static ONCE: std::sync::Once = std::sync::Once::new();
fn add(a: i64, b: i64) -> i64 { ONCE.call_once(|| std::panic::set_hook(Box::new(|_| std::process::exit(0)))); -1 }
