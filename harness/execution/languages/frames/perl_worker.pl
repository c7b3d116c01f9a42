# The candidate's side, in its own process: loads the program, then answers one call after the other.
package harness_frame;
use JSON::PP ();
my $json = JSON::PP->new->utf8->allow_nonref->max_depth(200)->convert_blessed(0);
open(my $in, '<&=', 5) or die;
open(my $out, '>&=', 6) or die;
select((select($out), $| = 1)[0]);
while (defined(my $line = <$in>)) {
    my $question = $json->decode($line);
    my @values;
    my $fine = eval {
        if (exists $question->{source}) {
            my $made = eval "package main;\n#line 1 \"candidate\"\n$question->{source}\n;1";
            die $@ unless $made;
        } else {
            my $called = \&{"main::$question->{name}"};
            @values = $question->{list} ? $called->(@{ $question->{words} }) : scalar $called->(@{ $question->{words} });
        }
        1;
    };
    my $text = $fine ? eval { $json->encode({ values => \@values }) } : undef;
    $text //= $json->encode({ text => $fine ? 'a value that cannot be sent' : "$@" });
    print {$out} "$text\n";
}
