// The candidate's side, in its own process: loads the program, then answers one call after the other.
namespace harness_frame;
function exchange(?array $answer): ?array
{
    static $in = null, $out = null;
    if ($in === null) {
        $in = \fopen('php://fd/5', 'r');
        $out = \fopen('php://fd/6', 'w');
    }
    if ($answer !== null) {
        try {
            $text = \serialize($answer);
        } catch (\Throwable $error) {
            $text = \serialize(['kind' => 'value', 'value' => 'a value that cannot be sent: ' . \random_int(0, \PHP_INT_MAX)]);
        }
        \fwrite($out, \pack('J', \strlen($text)) . $text);
        \fflush($out);
    }
    $size = (string) \fread($in, 8);
    if (\strlen($size) < 8) {
        return null;
    }
    for ($text = '', $length = \unpack('J', $size)[1]; \strlen($text) < $length; ) {
        $text .= \fread($in, $length - \strlen($text));
    }
    return \unserialize($text, ['allowed_classes' => false]);
}
function plain($value)
{
    if (\is_array($value)) {
        return \array_map(__NAMESPACE__ . '\plain', $value);
    }
    return \is_object($value) && !($value instanceof \stdClass) ? 'an object of ' . \get_class($value) : $value;
}
function wrong(\Throwable $error, string $place): array
{
    return ['kind' => 'error', 'place' => $place, 'type' => \get_class($error), 'text' => $error->getMessage()];
}
$harness_order = exchange(null);
$harness_space = \array_filter($harness_order['names'], 'function_exists') ? 'harness_candidate' : '';
try {
    $harness_start = $harness_space === '' ? '<?php' : "<?php namespace $harness_space;";
    \file_put_contents('candidate.php', \preg_replace('/<\?php/', $harness_start, $harness_order['source'], 1));
    (static function () { require './candidate.php'; })();
    $harness_answer = ['kind' => 'value', 'value' => null];
} catch (\Throwable $error) {
    $harness_answer = wrong($error, 'load');
}
while (($harness_question = exchange($harness_answer)) !== null) {
    try {
        $harness_value = ($harness_space . '\\' . $harness_question['name'])(...$harness_question['words']);
        $harness_answer = ['kind' => 'value', 'value' => plain($harness_value)];
    } catch (\Throwable $error) {
        $harness_answer = wrong($error, 'call');
    }
}
