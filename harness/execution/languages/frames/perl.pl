# The frame for Perl: stores the secret and runs the tests; the candidate runs in another process and returns values.
package harness_frame;
use strict;
use warnings;
use JSON::PP ();
use POSIX ();
my ($order, $out, $in);
my $json = JSON::PP->new->utf8->allow_nonref->max_depth(200);
{
    open(my $request, '<&=', 3) or die;
    local $/;
    $order = $json->decode(scalar <$request>);
    close $request;
}
my $secret = $order->{nonce};

sub report_end {
    my @words = map { my $word = "$_"; $word =~ tr/\r\n/  /; substr($word, 0, 500) } @_;
    open(my $report, '>&=', 4) or die;
    syswrite $report, join("\n", $secret, @words) . "\n";
    POSIX::_exit($words[0] eq 'passed' ? 0 : 1);
}

sub request {
    my ($question) = @_;
    local $SIG{PIPE} = 'IGNORE';
    print {$out} $json->encode($question), "\n";
    my $line = <$in>;
    my $answer = defined $line ? eval { $json->decode($line) } : undef;
    report_end('exited', 'call', 'exit', 'the program left before its tests ended', 0) unless ref $answer eq 'HASH';
    report_end('error', $question->{source} ? 'load' : 'call', 'die', $answer->{text} // '', 0) if exists $answer->{text};
    my @values = @{ $answer->{values} // [] };
    return $question->{list} ? @values : $values[-1];
}

pipe(my $theirs_in, $out) && pipe($in, my $theirs_out) or die;
my $child = fork // die;
if (!$child) {
    # Duplicated to unused numbers first, then moved to their own; no other descriptor is inherited
    my ($from, $to) = map { POSIX::dup2(fileno($_->[0]), $_->[1]) && $_->[1] } [$theirs_in, 20], [$theirs_out, 21];
    POSIX::dup2($from, 5);
    POSIX::dup2($to, 6);
    POSIX::close($_) for 3, 4, 7 .. 31;
    exec { $^X } $^X, '-e', $order->{worker} or POSIX::_exit(127);
}
close $theirs_in;
close $theirs_out;
select((select($out), $| = 1)[0]);
request({ source => $order->{candidate} });
for my $name (@{ $order->{names} }) {
    no strict 'refs';
    *{"main::$name"} = sub { request({ name => $name, words => [@_], list => wantarray ? 1 : 0 }) };
}
my $tests = $order->{tests};
undef $order;
eval "package main; no strict; no warnings;\n#line 1 \"tests\"\n$tests\n;1" or do {
    my $message = "$@";
    my ($line) = $message =~ /at tests line (\d+)/;
    report_end('failed', 'call', 'die', $message, $line // 0);
};
report_end('passed', 'call', '', '', 0);
