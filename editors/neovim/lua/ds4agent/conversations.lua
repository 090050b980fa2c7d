-- The buffers of conversations, and which of them a message or a key is about.
local api = vim.api
local Log = require("ds4agent.log")

local M = { YOU = "# You", MODEL = "# ds4agent" }

---@class ds4agent.Chat
---@field log ds4agent.Log
---@field conversation? string known from the first answer on
---@field kind? string of the last delta
---@field busy boolean
---@field turns { turn: integer, blocks: table[] }[]

local chats = {} ---@type table<integer, ds4agent.Chat> by buffer
local count = 0
local source ---@type integer? the window that was last left for a chat

---@return ds4agent.Chat
function M.open()
  count = count + 1
  local window = api.nvim_get_current_win()
  local log = Log.open(("ds4agent://chat/%d"):format(count))
  source = window
  local chat = { log = log, busy = false, turns = {} }
  chats[log.buf] = chat
  require("ds4agent.chat_keys").map(log.buf)
  return chat
end

function M.prompt(chat, text)
  chat.log:rewind()
  chat.log:paragraph(M.YOU .. "\n\n" .. (text or ""))
end

---@return ds4agent.Chat? chat the current buffer's, else the one that is shown, else the newest
function M.current()
  local here = chats[api.nvim_get_current_buf()]
  if here then
    return here
  end
  local found
  for buf, chat in pairs(chats) do
    if chat.log:valid() and (not found or vim.fn.bufwinid(buf) ~= -1 or buf > found.log.buf) then
      found = chat
    end
  end
  return found
end

--- By which deltas are told apart: a conversation that begins has no name yet.
---@param chat ds4agent.Chat
---@return string
function M.token(chat) return tostring(chat.log.buf) end

---@param token? string
---@return ds4agent.Chat?
function M.of(token) return chats[tonumber(token)] end

---@return integer? window where the user was before the chat
function M.source() return source and api.nvim_win_is_valid(source) and source or nil end

---@return ds4agent.Chat?
function M.at(buf) return chats[buf] end

--- The window of a file, which the user is about to leave for a chat.
function M.leave(window) source = window end

return M
