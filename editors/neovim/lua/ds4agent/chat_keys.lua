-- Keys of a chat's buffer. They are there and nowhere else, and each is a <Plug> mapping.
local api = vim.api

local M = {}

-- Put the block under the cursor at the cursor of the file that the chat was opened from.
local function insert()
  local chat = require("ds4agent.chat")
  local found, window = chat.block(), require("ds4agent.conversations").source()
  if not found or not window then
    return require("ds4agent.client").say("no code block here, or no file to put it into")
  end
  local cursor = api.nvim_win_get_cursor(window)
  local lines = vim.split(found.block.text:gsub("\n$", ""), "\n", { plain = true })
  api.nvim_buf_set_lines(api.nvim_win_get_buf(window), cursor[1], cursor[1], false, lines)
end

-- Have the block take the place of what it resembles in that file.
local function apply()
  local chat = require("ds4agent.chat")
  local client = require("ds4agent.client")
  local found, window = chat.block(), require("ds4agent.conversations").source()
  if not found or not window then
    return client.say("no code block here, or no file to put it into")
  end
  client.request("ds4/chat/apply", {
    conversation = found.conversation,
    turn = found.turn,
    block = found.block.block,
    textDocument = vim.lsp.util.make_text_document_params(api.nvim_win_get_buf(window)),
  }, function() end)
end

-- Not `:Ds4 stop`: the agent may be at work, and is not meant here.
local function stop()
  if not require("ds4agent.work").stop() then
    require("ds4agent.client").say("no reply is under way")
  end
end

local KEYS = {
  { "n", "<CR>", "<Plug>(ds4-chat-send)", function() require("ds4agent.chat").send() end, "send" },
  { "n", "gi", "<Plug>(ds4-chat-insert)", insert, "insert the code block" },
  { "n", "ga", "<Plug>(ds4-chat-apply)", apply, "apply the code block" },
  { "n", "<C-c>", "<Plug>(ds4-chat-stop)", stop, "stop the reply" },
}

---@param buf integer
function M.map(buf)
  for _, each in ipairs(KEYS) do
    local mode, key, plug, call, about = unpack(each)
    vim.keymap.set(mode, plug, call, { buffer = buf, desc = "ds4agent: " .. about })
    vim.keymap.set(mode, key, plug, { buffer = buf, remap = true, desc = "ds4agent: " .. about })
  end
end

return M
