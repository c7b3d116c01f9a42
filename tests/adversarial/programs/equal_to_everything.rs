// {"tries": "a type whose equality is always true", "right": ["failed", "error", "compile_error"]}
#[derive(Debug, Clone, Copy)]
struct Wild;
impl<T> PartialEq<T> for Wild { fn eq(&self, _: &T) -> bool { true } }
fn add(a: i64, b: i64) -> Wild { Wild }
