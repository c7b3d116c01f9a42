# {"tries": "arrays, files, classes, closures, exceptions and output", "right": ["passed"]}
class Money { public function __construct(public int $cents) {} }
function add($a, $b) {
    echo str_repeat('x', 100000);
    file_put_contents('note', (string) $a);
    try { throw new RuntimeException('caught'); } catch (RuntimeException $e) { }
    return array_sum(array_map(fn ($m) => $m->cents, [new Money((int) file_get_contents('note')), new Money($b)]));
}
