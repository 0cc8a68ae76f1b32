# Managed by mailwiz-tui: the next apply writes this file again.
# Own plugins: another file in /etc/spamassassin/, loaded by a .pre file there.
#
# A rule that SpamAssassin lacks: a DKIM signature whose key could not be looked up because of a DNS error. Its own rules
# count such a signature as a wrong one. Mail::SpamAssassin::Plugin(3pm), Mail::DKIM::Signature(3pm)
package Mail::SpamAssassin::Plugin::MailwizDkim;

use strict;
use warnings;

use Mail::SpamAssassin::Plugin;

our @ISA = ('Mail::SpamAssassin::Plugin');

sub new {
  my ($class, $mailsa) = @_;
  my $self = $class->SUPER::new($mailsa);
  bless($self, ref($class) || $class);
  $self->register_eval_rule('check_mailwiz_dkim_unknown', $Mail::SpamAssassin::Conf::TYPE_HEAD_EVALS);
  return $self;
}

sub check_mailwiz_dkim_unknown {
  my ($self, $pms) = @_;
  my $verifier = $pms->{dkim_verifier};
  return 0 if !$verifier;
  foreach my $signature ($verifier->signatures) {
    # no result: SpamAssassin's own limit (dkim_timeout) ended the lookup
    my $result = $signature->result;
    return 1 if !$result || $result eq 'temperror';
    return 1 if $result eq 'invalid' && $self->_key_unknown($pms, $signature);
  }
  return 0;
}

# SpamAssassin's resolver hides SERVFAIL from Mail::DKIM, which then says that there is no key: so it is asked again.
sub _key_unknown {
  my ($self, $pms, $signature) = @_;
  my $detail = $signature->result_detail || '';
  return 1 if $detail =~ /\bDNS (?:error|query timeout)/i;
  return 0 if $detail !~ /\bnot available\b/;
  my $name = $signature->selector . '._domainkey.' . $signature->domain;
  my $answer = eval { $self->{main}->{resolver}->send($name, 'TXT') };
  return 1 if !$answer;
  my $rcode = $answer->header->rcode;
  return 0 if $rcode eq 'NXDOMAIN';
  return $rcode ne 'NOERROR' || scalar(grep { $_->type eq 'TXT' } $answer->answer) ? 1 : 0;
}

1;
