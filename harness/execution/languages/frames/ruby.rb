# The frame for Ruby: stores the secret and runs the tests; the candidate runs in another process and returns values.
require 'json'
require 'rbconfig'
harness = Object.new
class << harness
  def start
    order = JSON.parse(IO.for_fd(3).read)
    secret = order['nonce']
    define_singleton_method(:report_end) do |ending, place, kind, message, line|
      words = [secret, ending, place, kind, message, line].map { |word| word.to_s.tr("\r\n", '  ')[0, 500] }
      IO.for_fd(4, 'w').syswrite(words.join("\n") + "\n")
      exit!(ending == 'passed' ? 0 : 1)
    end
    theirs_in, ours_out = IO.pipe
    ours_in, theirs_out = IO.pipe
    spawn(RbConfig.ruby, '--disable=gems', '-e', order['worker'],
          in: File::NULL, 3 => :close, 4 => :close, 5 => theirs_in, 6 => theirs_out)
    theirs_in.close
    theirs_out.close
    @out, @in = ours_out, ours_in
    request('source' => order['candidate'])
    order['names'].each do |name|
      frame = self
      Kernel.define_method(name) { |*words| frame.request('name' => name, 'words' => words.map { |word| frame.tagged(word) }) }
    end
    order['tests']
  end

  def request(question)
    begin
      @out.puts(JSON.generate(question))
      @out.flush
      answer = JSON.parse(@in.gets.to_s, max_nesting: 200)
    rescue SystemCallError, JSON::ParserError
      report_end('exited', 'call', 'exit', 'the program left before its tests ended', 0)
    end
    report_end('error', question.key?('source') ? 'load' : 'call', answer['type'], answer['text'], 0) if answer.key?('type')
    plain(answer['value'])
  end

  def tagged(value)
    case value
    when nil, true, false then value
    when Integer then { 'i' => value.to_s }
    when Float then { 'f' => [value].pack('G').unpack1('H*') }
    when String then { 's' => value.dup.force_encoding('UTF-8').scrub }
    when Symbol then { 'y' => value.to_s }
    when Array then { 'a' => value.map { |item| tagged(item) } }
    when Hash then { 'h' => value.map { |pair| pair.map { |item| tagged(item) } } }
    else raise TypeError, "#{value.class} cannot be sent"
    end
  end

  def plain(value)
    return value unless value.is_a?(Hash)
    kind, inside = value.first
    case kind
    when 'i' then Integer(inside, 10)
    when 'f' then [inside].pack('H*').unpack1('G')
    when 's' then inside.to_s
    when 'y' then inside.to_s.to_sym
    when 'a' then inside.map { |item| plain(item) }
    when 'h' then inside.to_h { |pair| pair.map { |item| plain(item) } }
    else Object.new
    end
  end
end
harness_tests = harness.start
begin
  eval(harness_tests, TOPLEVEL_BINDING.dup, 'tests', 1)
rescue Exception => error
  line = (error.backtrace || []).filter_map { |place| place[/\Atests:(\d+)/, 1] }.first || 0
  harness.report_end('failed', 'call', error.class, error.message, line)
end
harness.report_end('passed', 'call', '', '', 0)
