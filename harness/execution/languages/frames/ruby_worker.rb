# The candidate's side, in its own process: loads the program, then answers one call after the other.
require 'json'
harness_in, harness_out = IO.for_fd(5), IO.for_fd(6, 'w')
harness_tag = lambda do |value|
  case value
  when nil, true, false then value
  when Integer then { 'i' => value.to_s }
  when Float then { 'f' => [value].pack('G').unpack1('H*') }
  when String then { 's' => String.new(value).force_encoding('UTF-8').scrub }
  when Symbol then { 'y' => value.to_s }
  when Array then { 'a' => Array.new(value).map(&harness_tag) }
  when Hash then { 'h' => value.map { |pair| pair.map(&harness_tag) } }
  else { 'o' => value.class.to_s }
  end
end
harness_plain = lambda do |value|
  next value unless value.is_a?(Hash)
  kind, inside = value.first
  case kind
  when 'i' then Integer(inside, 10)
  when 'f' then [inside].pack('H*').unpack1('G')
  when 's' then inside
  when 'y' then inside.to_sym
  when 'a' then inside.map(&harness_plain)
  when 'h' then inside.to_h { |pair| pair.map(&harness_plain) }
  end
end
while (harness_line = harness_in.gets)
  harness_question = JSON.parse(harness_line, max_nesting: 200)
  begin
    if harness_question.key?('source')
      eval(harness_question['source'], TOPLEVEL_BINDING, 'candidate', 1)
      harness_answer = { 'value' => nil }
    else
      words = harness_question['words'].map(&harness_plain)
      harness_answer = { 'value' => harness_tag.call(TOPLEVEL_BINDING.receiver.send(harness_question['name'], *words)) }
    end
  rescue StandardError, ScriptError, SystemStackError, NoMemoryError => error
    harness_answer = { 'type' => error.class.to_s, 'text' => error.message }
  end
  harness_out.puts(JSON.generate(harness_answer))
  harness_out.flush
end
