-- Ghost text: what the model would write at the cursor, shown before it is there.
--
-- Neovim 0.12 can show inline completions by itself, but it cannot accept a part of one, does not take back
-- requests that are out of date and draws whatever arrives. So this draws its own, in every version:
--
-- * One ghost at a time, in the current buffer. It is a text and the place where it begins; what has been typed
--   since then must be the text's beginning, and the rest is shown. Anything else typed ends it. The check is
--   made on every change and again when it is accepted, so stale text is neither shown nor inserted.
-- * A request for every change that the ghost does not follow, and the one before it is taken back. The server
--   waits for a pause in typing; here is no timer.
-- * An answer for text that has grown since is used if what was typed is how it begins.
local api = vim.api
local choice = require("ds4agent.choices")
local draw = require("ds4agent.draw")
local parts = require("ds4agent.parts")
local place = require("ds4agent.place")
local suggest = require("ds4agent.suggest")

local M = {}

local shown ---@type ds4agent.Ghost?
local choices = {} ---@type ds4agent.Ghost[] the answer's items that fit; `shown` is one of them
local seen ---@type string? the state for which the last request was made

local function inserting() return api.nvim_get_mode().mode:sub(1, 1) == "i" and vim.fn.pumvisible() == 0 end

local function hide()
  if shown then
    draw.clear(shown.buf)
  end
  shown, choices = nil, {}
end

local function drop()
  choice.dismiss(choices)
  hide()
end

local function show(ghost)
  shown = ghost
  draw.show(ghost, place.rest(ghost))
  if not ghost.told then
    ghost.told = true
    choice.tell("shown", ghost)
  end
end

-- An answer has come.
local function offer(found)
  local fit, first = choice.fitting(found, shown)
  if not inserting() or not first then
    return
  end
  if shown then
    draw.clear(shown.buf)
  end
  if first ~= shown then
    choice.dismiss(choices)
  end
  choices = fit
  show(first)
end

-- A key was typed, or the cursor moved, or both were reported for one key.
local function changed(event)
  local buf = event.buf
  if not inserting() or vim.bo[buf].buftype ~= "" or vim.fn.reg_executing() ~= "" then
    suggest.take_back()
    return drop()
  end
  local rest = shown and place.rest(shown)
  if rest and shown then
    return draw.show(shown, rest)
  end
  if shown and place.typed(shown) then
    hide()
  end
  drop()
  local cursor = api.nvim_win_get_cursor(0)
  local state = table.concat({ buf, api.nvim_buf_get_changedtick(buf), cursor[1], cursor[2] }, " ")
  if state ~= seen then
    seen = state
    suggest.ask(buf, suggest.AUTOMATIC, offer)
  end
end

local function left()
  suggest.take_back()
  drop()
  seen = nil
end

---@param group integer
function M.watch(group)
  -- At once, before the screen is drawn: what is shown must not lag behind what is typed.
  api.nvim_create_autocmd(
    { "TextChangedI", "TextChangedP", "CursorMovedI" },
    { group = group, callback = changed }
  )
  -- These come before the state that they announce.
  local early = vim.schedule_wrap(changed)
  api.nvim_create_autocmd({ "InsertEnter", "CompleteDone" }, { group = group, callback = early })
  api.nvim_create_autocmd({ "InsertLeave", "BufLeave" }, { group = group, callback = left })
end

--- A buffer has got its server.
function M.refresh(buf)
  if buf == api.nvim_get_current_buf() and inserting() then
    seen = nil
    changed({ buf = buf })
  end
end

--- The server is gone, and with it all that it said.
function M.forget()
  suggest.forget()
  seen = nil
  hide()
end

---@return boolean
function M.visible() return shown ~= nil and place.rest(shown) ~= nil end

--- Insert what is shown, or its first line or word.
---@param part "all"|"line"|"word"
---@return boolean whether there was something
function M.accept(part)
  local ghost, rest = shown, shown and place.rest(shown)
  if not ghost or not rest then
    return false
  end
  local piece = parts[part](rest)
  if piece == "" then
    piece = rest
  end
  choice.dismiss(choices, ghost)
  if piece == rest then
    hide()
    place.insert(ghost, piece, true)
    if ghost.command then
      ghost.client:request("workspace/executeCommand", {
        command = ghost.command.command,
        arguments = ghost.command.arguments,
      }, function() end)
    end
  else
    place.insert(ghost, piece, false)
    choice.tell(
      "accepted",
      ghost,
      { length = vim.str_utfindex(piece, ghost.client.offset_encoding, #piece, false) }
    )
    choices = { ghost }
    draw.show(ghost, place.rest(ghost))
  end
  return true
end

--- Take it away until something else is typed.
---@return boolean whether there was something
function M.dismiss()
  local was = M.visible()
  suggest.take_back()
  drop()
  return was
end

local function turn(by)
  local other = choice.turned(choices, shown, by)
  if other then
    return show(other)
  end
  -- What came by itself has no alternatives yet: the server is asked for them.
  local before = shown
  suggest.ask(api.nvim_get_current_buf(), suggest.INVOKED, function(found)
    offer(found)
    other = shown == before and choice.turned(choices, shown, by)
    if other then
      show(other)
    end
  end)
end

--- Another suggestion.
function M.next() turn(1) end

function M.previous() turn(-1) end

--- Ask at once, also where nothing is completed by itself.
function M.complete() suggest.ask(api.nvim_get_current_buf(), suggest.INVOKED, offer) end

return M
