-- Chat: one buffer for each conversation. What stands below the last "# You" is what is sent.
local api = vim.api
local client = require("ds4agent.client")
local Log = require("ds4agent.log")
local conversations = require("ds4agent.conversations")

local M = {}

--- A piece of a reply has come.
function M.delta(delta)
  local chat = conversations.of(delta.token)
  if not chat or not chat.log:valid() then
    return
  end
  local reasoning = delta.kind == "reasoning"
  if chat.kind ~= delta.kind then
    chat.log:paragraph(reasoning and Log.BAR or "")
    chat.kind = delta.kind
  end
  chat.log:add(reasoning and (delta.text:gsub("\n", "\n" .. Log.BAR)) or delta.text)
end

local NOTES = {
  cancelled = "*stopped*",
  limit = "*cut: the reply was too long*",
  failed = "*the reply broke off*",
}

local function finished(chat, result)
  chat.busy, chat.kind = false, nil
  if not chat.log:valid() then
    return
  end
  if result then
    chat.conversation = result.conversation
    table.insert(chat.turns, { turn = result.turn, blocks = result.blocks or {} })
    if NOTES[result.status] then
      chat.log:paragraph(NOTES[result.status])
    end
  else
    -- It stands in the buffer as a turn, by which the code blocks of later ones are counted.
    table.insert(chat.turns, { blocks = {} })
    chat.log:paragraph("*no reply*")
  end
  conversations.prompt(chat)
end

local function ask(chat, method, params)
  chat.busy = true
  params.token = conversations.token(chat)
  chat.log:rewind()
  chat.log:paragraph(conversations.MODEL .. "\n\n")
  client.request(
    method,
    params,
    function(result) finished(chat, result) end,
    function() finished(chat) end,
    require("ds4agent.work").started
  )
end

local function send(chat, text, context, found)
  local named, without = require("ds4agent.contexts").named(text, conversations.source(), found)
  vim.list_extend(context, named)
  ask(chat, "ds4/chat/send", { conversation = chat.conversation, text = without, context = context })
end

--- Send what stands below the last "# You".
function M.send()
  local chat = conversations.current()
  if not chat or chat.busy then
    return client.say(chat and "the reply is still coming; `:Ds4 stop` ends it" or "no chat is open")
  end
  local lines = api.nvim_buf_get_lines(chat.log.buf, 0, -1, false)
  local first = #lines
  while first > 0 and lines[first] ~= conversations.YOU do
    first = first - 1
  end
  local text = vim.trim(table.concat(lines, "\n", first + 1))
  if text ~= "" then
    client.with(function(found) send(chat, text, {}, found) end)
  end
end

--- Open the chat; with a text, send it. `range` is what the text is about.
---@param text string
---@param range? { [1]: integer, [2]: integer } lines
function M.open(text, range)
  local from = api.nvim_get_current_win()
  local buf = api.nvim_get_current_buf()
  local chat = conversations.current()
  if not chat or not chat.log:valid() then
    chat = conversations.open()
    conversations.prompt(chat)
  else
    if not conversations.at(buf) then
      conversations.leave(from)
    end
    chat.log:focus()
  end
  api.nvim_win_set_cursor(0, { api.nvim_buf_line_count(chat.log.buf), 0 })
  if text == "" then
    return
  end
  if chat.busy then
    return client.say("the reply is still coming; `:Ds4 stop` ends it")
  end
  client.with(function(found)
    local context = {}
    if range then
      local selected = api.nvim_buf_call(buf, function() return client.range(range, found) end)
      context = { { kind = "selection", uri = vim.uri_from_bufnr(buf), range = selected } }
    end
    chat.log:rewind()
    chat.log:add(text)
    send(chat, text, context, found)
  end)
end

--- A new conversation, in a buffer of its own.
function M.new() conversations.prompt(conversations.open()) end

--- Explain lines of the current buffer, or what the cursor is in, in a new conversation.
---@param lines? { [1]: integer, [2]: integer }
function M.explain(lines)
  local name = vim.fn.expand("%:t")
  local first = lines and lines[1] or api.nvim_win_get_cursor(0)[1]
  local where = lines and ("lines %d to %d"):format(first, lines[2]) or ("line %d"):format(first)
  client.with(function(found)
    local range, document = client.range(lines, found), vim.lsp.util.make_text_document_params()
    local chat = conversations.open()
    conversations.prompt(chat, ("Explain %s, %s."):format(name, where))
    ask(chat, "ds4/explain", { textDocument = document, range = range })
  end)
end

-- The fence that a line begins, or nil.
local function opening(line) return line:match("^%s*(```+)[^`]*$") or line:match("^%s*(~~~+)") end

-- Whether a line ends what this fence began.
local function closes(line, fence)
  local found = line:match("^%s*(%S+)%s*$")
  return found and #found >= #fence and found == fence:sub(1, 1):rep(#found)
end

--- The code block under the cursor of a chat: its conversation, its turn, and itself.
function M.block()
  local chat = conversations.at(api.nvim_get_current_buf())
  if not chat then
    return
  end
  local turn, block, fence = 0, 0, nil
  for _, line in ipairs(api.nvim_buf_get_lines(0, 0, api.nvim_win_get_cursor(0)[1], false)) do
    if line == conversations.MODEL then
      turn, block, fence = turn + 1, 0, nil
    elseif fence then
      fence = not closes(line, fence) and fence or nil
    else
      fence = opening(line)
      block = block + (fence and 1 or 0)
    end
  end
  local found = chat.turns[turn]
  if found and found.blocks[block] then
    return { conversation = chat.conversation, turn = found.turn, block = found.blocks[block] }
  end
end

--- Write down a conversation as ds4/chat/get has it.
function M.show(held)
  local chat = conversations.open()
  chat.conversation = held.conversation
  for _, turn in ipairs(held.turns) do
    conversations.prompt(chat, turn.text)
    chat.log:paragraph(conversations.MODEL .. "\n\n")
    if turn.reasoning and turn.reasoning ~= "" then
      chat.log:paragraph(Log.BAR .. turn.reasoning:gsub("\n", "\n" .. Log.BAR))
    end
    chat.log:paragraph(turn.reply)
    table.insert(chat.turns, { turn = turn.turn, blocks = turn.blocks or {} })
  end
  conversations.prompt(chat)
end

return M
