-- The frame for Lua. The candidate runs in a separate environment, with copies of the libraries and without those that
-- could reach the frame; results of its functions are copied, without metatables.
-- The shell has made descriptor 3 the standard input and 4 the standard error: Lua cannot open descriptors by number
local input, output = io.stdin, io.stderr
local secret, first = input:read("l", "n")
input:read("l")
local candidate = input:read(first) or ""
local names = input:read("l")
local tests = input:read("a") or ""
local type, pairs, pcall, tostring, load, exit, getmeta = type, pairs, pcall, tostring, load, os.exit, getmetatable
local gsub, sub, match, write, close = string.gsub, string.sub, string.match, output.write, output.close
local flush = io.flush
local function report_end(ending, place, kind, message, line)
  local report = secret
  for _, word in pairs({ ending, place, kind, sub(gsub(tostring(message), "[\r\n]", " "), 1, 500), line }) do
    report = report .. "\n" .. tostring(word)
  end
  flush()
  write(output, report .. "\n")
  close(output)
  exit(ending == "passed")
end
local function copied(value, seen)
  if type(value) ~= "table" then
    return value
  end
  if seen[value] then
    return seen[value]
  end
  local made = {}
  seen[value] = made
  for key, item in next, value do
    made[copied(key, seen)] = copied(item, seen)
  end
  return made
end
-- Copies: what the candidate does to them, or to the methods of texts, stays with it
local own = {}
for name, value in pairs(_G) do
  own[name] = name ~= "debug" and name ~= "package" and name ~= "_G" and copied(value, {}) or nil
end
own._G, own.io.stderr = own, io.stdout
own.getmetatable = function(value)
  if type(value) == "string" then
    return nil
  end
  return getmeta(value)
end
own.load = function(text, name, mode, space)
  return load(text, name, "t", space or own)
end
own.loadstring, own.loadfile, own.dofile, own.collectgarbage = nil, nil, nil, function() return 0 end
own.require = function(name) return own[name] end
local made, complaint = load(candidate, "=candidate", "t", own)
if not made then
  report_end("error", "load", "syntax", complaint, 0)
end
local fine, wrong = pcall(made)
if not fine then
  report_end("error", "load", "error", wrong, 0)
end
local space = setmetatable({}, { __index = _G })
for name in string.gmatch(names, "%S+") do
  local called = own[name]
  if type(called) == "function" then
    space[name] = function(...)
      local results = table.pack(pcall(called, ...))
      if not results[1] then
        report_end("error", "call", "error", results[2], 0)
      end
      for i = 2, results.n do
        results[i] = copied(results[i], {})
      end
      return table.unpack(results, 2, results.n)
    end
  else
    space[name] = copied(called, {})
  end
end
local run, broken = load(tests, "=tests", "t", space)
if not run then
  report_end("failed", "call", "syntax", broken, 0)
end
fine, wrong = pcall(run)
if not fine then
  report_end("failed", "call", "error", wrong, match(tostring(wrong), "tests:(%d+)") or 0)
end
report_end("passed", "call", "", "", 0)
