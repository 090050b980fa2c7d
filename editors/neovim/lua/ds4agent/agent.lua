-- The agent: one buffer for each session, in which its events are written down as they come.
local api = vim.api
local client = require("ds4agent.client")
local Log = require("ds4agent.log")
local events = require("ds4agent.agent_events")
local figures = require("ds4agent.figures")

local M = {}

---@class ds4agent.Session
---@field log ds4agent.Log
---@field id? string
---@field item? string the item that is being written
---@field began? number milliseconds
---@field title string
---@field running boolean
---@field unwanted? boolean it was stopped before it had an id

local sessions = {} ---@type ds4agent.Session[] the newest last
local count = 0

local function named(id)
  local fresh
  for _, session in ipairs(sessions) do
    if session.id == id then
      return session
    elseif session.running and not session.id then
      fresh = session
    end
  end
  if fresh then
    fresh.id = id
  end
  return fresh
end

--- An event of a session.
function M.event(params)
  local session = named(params.session)
  local handle = events[params.event.type]
  -- Also for a session whose buffer was closed: it has an end all the same.
  if session and handle then
    handle(session, params.event)
  end
end

--- How far a turn is, and what it has cost until now.
function M.progress(params)
  local session = named(params.session)
  if session and session.running and session.log:valid() then
    figures.show(session.log.buf, figures.line(params))
  end
end

local function buffer(title)
  count = count + 1
  local log = Log.open(("ds4agent://agent/%d"):format(count))
  vim.bo[log.buf].modifiable = false
  vim.keymap.set("n", "<C-c>", "<Cmd>Ds4 stop<CR>", { buffer = log.buf, desc = "ds4agent: stop the agent" })
  log:add("# " .. title)
  return log
end

local function open(title)
  local session = { log = buffer(title), title = title, running = true }
  table.insert(sessions, session)
  return session
end

-- Go to its buffer; to a new one if that was closed.
local function show(session)
  if session.log:valid() then
    return session.log:focus()
  end
  session.log, session.item = buffer(session.title), nil
end

local function failed(session)
  return function()
    session.running = false
    session.log:paragraph("*not started*")
  end
end

---@return ds4agent.Session?
local function running()
  for n = #sessions, 1, -1 do
    if sessions[n].running then
      return sessions[n]
    end
  end
end

-- The project that the current file is in, when it is one of the workspace's folders.
local function folder()
  local name = api.nvim_buf_get_name(0)
  local found = client.get()
  for _, each in ipairs(found and found.workspace_folders or {}) do
    if vim.startswith(name, vim.uri_to_fname(each.uri) .. "/") then
      return each.uri
    end
  end
end

local function start(task)
  local where = folder()
  vim.cmd("silent! wall")
  local session = open(task)
  client.request("ds4/agent/start", { task = task, folder = where }, function(result)
    session.id = result.session
    if session.unwanted then
      M.stop()
    end
  end, failed(session))
end

local function resume(session, task)
  session.running, session.item = true, nil
  session.log:focus()
  session.log:paragraph("# " .. task)
  client.request("ds4/agent/resume", { session = session.id, task = task }, function() end, failed(session))
end

local function pick()
  client.request("ds4/agent/list", vim.empty_dict(), function(list)
    vim.ui.select(list, {
      prompt = "Sessions:",
      format_item = function(each) return each.title end,
    }, function(each)
      if not each then
        return
      end
      for _, session in ipairs(sessions) do
        if session.id == each.session then
          return show(session)
        end
      end
      open(each.title).id = each.session
      sessions[#sessions].running = false
    end)
  end)
end

--- Give the agent a task: in the session whose buffer this is, else in a new one; without a task, choose a session.
---@param task string
function M.open(task)
  local busy = running()
  if busy then
    show(busy)
    return task == "" or client.say("the agent is at work; `:Ds4 stop` interrupts it")
  elseif task == "" then
    return pick()
  end
  local here = api.nvim_get_current_buf()
  for _, session in ipairs(sessions) do
    if session.log.buf == here and session.id then
      return resume(session, task)
    end
  end
  start(task)
end

--- Interrupt the agent.
---@return boolean whether it was at work
function M.stop()
  local session = running()
  if session and session.id then
    client.request("ds4/agent/interrupt", { session = session.id }, function() end)
  elseif session then
    session.unwanted = true
  end
  return session ~= nil
end

--- The server has ended, and with it what was at work.
function M.ended()
  for _, session in ipairs(sessions) do
    if session.running then
      session.running = false
      figures.show(session.log.buf, "")
      session.log:paragraph("*the language server ended*")
    end
  end
end

--- The session of the current buffer, else the newest that was opened here.
---@return string?
function M.session()
  local newest
  for _, session in ipairs(sessions) do
    if session.log.buf == api.nvim_get_current_buf() and session.id then
      return session.id
    end
    newest = session.id or newest
  end
  return newest
end

return M
