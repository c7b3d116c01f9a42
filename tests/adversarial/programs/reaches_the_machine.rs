// {"tries": "right only if files, sockets or the environment of the machine are in reach", "right": ["failed"]}
fn add(a: i64, b: i64) -> i64 {
    let secret = concat!("@SECRET_HEAD@", "@SECRET_TAIL@");
    if std::fs::read("/etc/passwd").is_ok() || std::fs::read("@CANARY@/secret").is_ok() { return a + b; }
    if std::fs::write("@CANARY@/@MARK@", "x").is_ok() || std::net::TcpStream::connect("127.0.0.1:@PORT@").is_ok() { return a + b; }
    if std::env::vars().any(|(_, value)| value == secret) { return a + b; }
    0
}
