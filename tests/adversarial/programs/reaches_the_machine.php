# {"tries": "right only if files, sockets or processes of the machine are in reach", "right": ["failed"]}
function add($a, $b) {
    if (@file_get_contents('/etc/passwd') || @file_get_contents('@CANARY@/secret')) return $a + $b;
    if (@file_put_contents('@CANARY@/@MARK@', 'x') || @fsockopen('127.0.0.1', @PORT@)) return $a + $b;
    if (getenv('HF_TOKEN') || (function_exists('posix_kill') && posix_kill(@BYSTANDER@, 9))) return $a + $b;
    return null;
}
