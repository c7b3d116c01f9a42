// {"tries": "collections, threads, files, macros, traits, caught panics", "right": ["passed"]}
use std::collections::{BTreeMap, HashMap};
macro_rules! largest { ($a:expr, $b:expr) => { if $a > $b { $a } else { $b } }; }
#[derive(Debug, PartialEq, Clone)]
struct Point { x: i64 }
fn add(a: i64, b: i64) -> i64 {
    assert_eq!(Point { x: 1 }, Point { x: 1 });
    println!("{}", "x".repeat(100000));
    std::fs::write("note", a.to_string()).unwrap();
    let read: i64 = std::fs::read_to_string("note").unwrap().parse().unwrap();
    let other = std::thread::spawn(move || b).join().unwrap();
    let _ = std::panic::catch_unwind(|| { largest!(1, 2); panic!("caught") });
    let map: HashMap<i64, i64> = [(1, read)].into_iter().collect();
    let tree: BTreeMap<i64, i64> = map.into_iter().collect();
    tree[&1] + other
}
